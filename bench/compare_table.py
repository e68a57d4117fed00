# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""The table that compare.py prints."""
import json
import platform
import statistics


class Table:
    """Rows as they are measured: printed at once, and kept for the JSON."""

    def __init__(self):
        self.rows = []
        print(f"{'what':58} {'ours':>12} {'theirs':>12} {'ratio':>7}  {'spread':15} target")

    def add(self, what, unit, pairs, target=""):
        """`pairs`: (ours, theirs) of each repetition."""
        ratios = [ours / theirs for ours, theirs in pairs]
        row = {"what": what, "unit": unit, "ours": statistics.median(pair[0] for pair in pairs),
               "theirs": statistics.median(pair[1] for pair in pairs), "ratio": statistics.median(ratios),
               "spread": [min(ratios), max(ratios)], "repetitions": len(pairs), "target": target}
        self.rows.append(row)
        spread = f"{min(ratios):.2f} … {max(ratios):.2f}"
        print(f"{what:58} {self.number(row['ours'], unit):>12} {self.number(row['theirs'], unit):>12} "
              f"{row['ratio']:7.3f}  {spread:15} {target}", flush=True)

    def missing(self, what, why):
        self.rows.append({"what": what, "missing": str(why)})
        print(f"{what:58} not measured: {why}", flush=True)

    @staticmethod
    def number(value, unit):
        scales = {"s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")), "B/s": ((1e9, "GB/s"), (1e6, "MB/s"))}
        for scale, name in scales.get(unit, ()):
            if value >= scale:
                return f"{value / scale:.3g} {name}"
        return f"{value:.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"

    def measured(self):
        """How many rows have numbers."""
        return sum("ratio" in row for row in self.rows)

    def write(self, file, bench_context, repetitions):
        context = {key: bench_context.get(key) for key in ("host", "ucx", "commit", "num_cpus", "date")}
        result = {"context": {**context, "kernel": platform.release(), "repetitions": repetitions}, "rows": self.rows}
        file.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
