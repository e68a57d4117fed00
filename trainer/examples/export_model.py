#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
"""Exports a PyTorch module as a .pt2 file, which Runnel trains without Python."""
import argparse
import ctypes
import dataclasses
import enum
import importlib.util
import io
import json
import re
import sys
import zipfile
from pathlib import Path

EPILOG = """\
examples:
  export_model.py net.py:Net --example "image:float32[16,1,28,28]" -o net.pt2
  export_model.py gpt.py:GPT --args '{"layers": 4, "width": 128}' --example "tokens:int64[8,64]" -o gpt.pt2
  export_model.py two.py:Siamese --example "a:float32[4,32]" --example "b:float32[4,32]" -o two.pt2

Each --example is an input of the module's forward: a name for messages, its type, and its shape. The first dimension is
the batch. Runnel may use another batch size than the example, which must have at least 2 samples; all other sizes are
fixed. The module is exported in training mode; Runnel switches dropout and the like off for its test by itself. An
`if` in forward is decided here, once: a module that does something else with another batch is refused, and a warning
says where one does something else in eval(). A parameter with requires_grad = False stays as it is. Needs torch 2.7 or
newer; tested with 2.11.
"""
TYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")


class ExportError(Exception):
    """A mistake of the user, as one line."""


def parse_example(text):
    """"tokens:int64[8,64]" as (name, type, shape)."""
    found = re.fullmatch(r"\s*(\w+)\s*:\s*(\w+)\s*\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]\s*", text)
    if not found:
        raise ExportError(f'--example {text!r}: expected NAME:TYPE[SIZE,…], such as "tokens:int64[8,64]"')
    name, kind, sizes = found.groups()
    if kind not in TYPES:
        raise ExportError(f"--example {text!r}: the type is {kind}; possible are {', '.join(TYPES)}")
    shape = [int(size) for size in sizes.split(",")]
    if shape[0] < 2:
        raise ExportError(f"--example {text!r}: the batch, its first size, is {shape[0]}; give 2 or more, "
                          "because torch.export takes a batch of 1 for a fixed one")
    return name, kind, shape


def load_class(place):
    """The object that FILE.py:Class names."""
    path, colon, name = place.rpartition(":")
    if not colon or not path:
        raise ExportError(f"{place}: expected FILE.py:Class, such as net.py:Net")
    file = Path(path)
    if not file.is_file():
        raise ExportError(f"{path}: there is no such file")
    sys.path.insert(0, str(file.resolve().parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None:
        raise ExportError(f"{path}: is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    made = getattr(module, name, None)
    if made is None:
        known = [n for n, v in vars(module).items() if isinstance(v, type) and v.__module__ == module.__name__]
        raise ExportError(f"{path}: has no {name}; its classes are {', '.join(known) or 'none'}")
    return made


def export_module(module, examples):
    """torch.export's program of `module`, in training mode, with the first dimension of each input free."""
    import torch

    inputs = tuple(torch.zeros(shape, dtype=getattr(torch, kind)) for _, kind, shape in examples)
    dynamic = tuple({0: torch.export.Dim.DYNAMIC} for _ in inputs)
    return torch.export.export(module.train(), inputs, dynamic_shapes=dynamic, strict=False)


def plain(value):
    """A value of torch.export's schema as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [plain(held) for held in value]
    if isinstance(value, enum.Enum):
        return int(value)
    if not dataclasses.is_dataclass(value):
        return value
    if hasattr(type(value), "create"):  # a tagged union
        return {value.type: plain(value.value)}
    return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}


def raw_members(tensors, folder, stem, config):
    """Members of an archive for `tensors`, each storage once: a configuration and raw bytes."""
    import torch
    from torch._export.serde.serialize import serialize_tensor_meta

    members, entries, files = {}, {}, {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            raise ExportError(f'"{name}" is a {type(tensor).__name__}; only tensors can be exported')
        storage = tensor.detach().cpu().untyped_storage()
        key = tensor.untyped_storage().data_ptr() or name  # empty storages have no address
        if key not in files:
            files[key] = f"{stem}_{len(files)}"
            members[folder + files[key]] = ctypes.string_at(storage.data_ptr(), storage.nbytes())
        entries[name] = {"path_name": files[key], "is_param": isinstance(tensor, torch.nn.Parameter),
                         "use_pickle": False, "tensor_meta": plain(serialize_tensor_meta(tensor))}
    members[folder + config] = json.dumps({"config": entries}).encode()
    return members


def save_raw(program, file):
    """Writes what torch.export.save of 2.9 and newer does, for an older torch: weights as raw bytes, not pickled."""
    from torch._export.serde.serialize import serialize

    state = dict(program.state_dict)
    constants = {name: value for name, value in program.constants.items() if name not in state}
    members = {"models/model.json": serialize(program).exported_program, "byteorder": sys.byteorder.encode()}
    members.update(raw_members(state, "data/weights/", "weight", "model_weights_config.json"))
    members.update(raw_members(constants, "data/constants/", "tensor", "model_constants_config.json"))
    stem = Path(file).stem
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, contents in members.items():
            archive.writestr(f"{stem}/{name}", contents)


def has_raw_weights(contents):
    names = zipfile.ZipFile(io.BytesIO(contents)).namelist()
    return any(name.endswith("/data/weights/model_weights_config.json") for name in names)


def save(program, file):
    """Writes `program` to `file`, with raw weights whichever torch this is."""
    import torch

    contents = io.BytesIO()
    torch.export.save(program, contents)
    if has_raw_weights(contents.getvalue()):
        Path(file).write_bytes(contents.getvalue())
    else:
        save_raw(program, file)


def operations(program):
    return sorted({str(node.target) for node in program.graph.nodes if node.op == "call_function"})


def check(program):
    """Refuses what Runnel would refuse later, where the model's source is at hand."""
    foreign = [name for name in operations(program)
               if not name.startswith(("aten.", "<built-in function", "<function sym_"))]
    if foreign:
        raise ExportError(f"the model uses {', '.join(foreign)}; Runnel runs operations of aten alone. Blocks under "
                          "torch.no_grad or torch.autocast are such operations: use detach(), and float32")
    trained = {name: tensor for name, tensor in program.named_parameters() if tensor.requires_grad}
    others = [f"{name} is {tensor.dtype}" for name, tensor in trained.items() if str(tensor.dtype) != "torch.float32"]
    if others:
        raise ExportError(f"only float32 is trained; {', '.join(others)}")
    if not trained:
        raise ExportError("the model has no parameter that is trained")


OFF = {"train": False, "training": False, "use_input_stats": False, "dropout_p": 0.0}


def turn_off(node, graph):
    """Makes an operation of an export what Runnel's test has in its place."""
    names = [argument.name for argument in node.target._schema.arguments]
    given = dict(zip(names, node.args)) | node.kwargs
    if "running_mean" in names and given["running_mean"] is None:
        return
    for index, name in enumerate(names):
        if name in OFF and index < len(node.args):
            node.update_arg(index, OFF[name])
        elif name in OFF and name in node.kwargs:
            node.update_kwarg(name, OFF[name])
    first = node.target._schema.arguments[:1]
    if first and first[0].alias_info and first[0].alias_info.is_write and node.args[0].op == "get_attr":
        node.replace_all_uses_with(node.args[0])
        graph.erase_node(node)


def as_runnel(program, training):
    """The function of `program` that Runnel computes in training, or in a test: without checks of sizes."""
    import torch

    module = program.module()
    for node in list(module.graph.nodes):
        if node.op == "call_module" or str(node.target).startswith(("aten._assert", "aten.sym_constrain_range")):
            module.graph.erase_node(node)
        elif not training and node.op == "call_function" and hasattr(node.target, "_schema"):
            turn_off(node, module.graph)
    return torch.fx.Interpreter(module).run


def outputs_of(function, inputs, module):
    """The tensors that `function` gives for `inputs`, or its error. The tensors of `module` stay as they are."""
    import torch

    kept = [(tensor, tensor.detach().clone()) for tensor in [*module.parameters(), *module.buffers()]]
    torch.manual_seed(1)
    try:
        made = function(*[tensor.clone() for tensor in inputs])
        return [each.detach() for each in torch.utils._pytree.tree_leaves(made) if isinstance(each, torch.Tensor)]
    except Exception as error:  # whatever the module raises
        return error
    finally:
        with torch.no_grad():
            for tensor, value in kept:
                tensor.copy_(value)


def differs(module, program, examples, batch, training):
    """Whether `program` computes something else than `module` does for `batch` samples."""
    import torch

    torch.manual_seed(batch)
    inputs = [torch.rand(batch, *shape[1:]).mul(2).to(getattr(torch, kind)) for _, kind, shape in examples]
    wanted = outputs_of(module.train(training), inputs, module)
    if isinstance(wanted, Exception):  # as that of a BatchNorm for one sample
        return False
    found = outputs_of(as_runnel(program, training), inputs, module)
    if isinstance(found, Exception) or [each.shape for each in found] != [each.shape for each in wanted]:
        return True
    return not all(torch.allclose(a.double(), b.double(), rtol=1e-3, atol=1e-5, equal_nan=True)
                   for a, b in zip(found, wanted) if not a.is_complex())


def compare(module, program, examples):
    """Refuses an export that holds for some batches only; warns where a test computes something else than eval()."""
    example = examples[0][2][0]
    same_test = not differs(module, program, examples, min(example, 4), training=False)  # 4: little memory
    for batch in (1, 3):
        if any(differs(module, program, examples, batch, training) for training in (True, False)[:1 + same_test]):
            raise ExportError(f"the module does something else with a batch of {batch} than with one of {example}, as "
                              "after `if x.size(0) > 3:`; an export has one of them only")
    if not same_test:
        print("export_model.py: warning: in eval() the module does something else than its export, as after "
              "`if self.training:`; Runnel's tests measure the export, with dropout and the like off", file=sys.stderr)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="FILE.py:Class", help="the class, or a function that returns the module")
    parser.add_argument("--example", action="append", required=True, metavar="NAME:TYPE[SIZES]",
                        help="an input of forward; once for each input")
    parser.add_argument("--args", default="{}", metavar="JSON",
                        help="arguments of the class: an object for named ones, an array for others")
    parser.add_argument("--seed", type=int, default=1, help="torch.manual_seed before the module is made (default: 1)")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.pt2", help="the file to write")
    return parser.parse_args()


def make_module(options, torch):
    try:
        arguments = json.loads(options.args)
    except json.JSONDecodeError as error:
        raise ExportError(f"--args: not JSON: {error}") from error
    if not isinstance(arguments, (dict, list)):
        raise ExportError("--args: expected an object or an array")
    made = load_class(options.model)
    torch.manual_seed(options.seed)
    module = made(**arguments) if isinstance(arguments, dict) else made(*arguments)
    if not isinstance(module, torch.nn.Module):
        raise ExportError(f"{options.model} makes a {type(module).__name__}; expected a torch.nn.Module")
    return module


def main():
    options = parse_arguments()
    try:
        examples = [parse_example(text) for text in options.example]
        if not Path(options.output).absolute().parent.is_dir():
            raise ExportError(f"-o {options.output}: there is no such folder")
        try:
            import torch
        except ImportError as error:
            raise ExportError(f"PyTorch cannot be imported: {error}; pip install torch") from error
        version = tuple(int(part) for part in re.findall(r"\d+", torch.__version__)[:2])
        if version < (2, 7):
            raise ExportError(f"torch {torch.__version__} is too old; 2.7 or newer is needed")
        module = make_module(options, torch)
        program = export_module(module, examples)
        check(program)
        compare(module, program, examples)
        save(program, options.output)
    except ExportError as error:
        sys.exit(f"export_model.py: error: {error}")
    parameters = sum(p.numel() for p in program.parameters() if p.requires_grad)
    print(f"{options.output}: {parameters} trained parameters, {len(operations(program))} kinds of operations, "
          f"torch {torch.__version__}")


if __name__ == "__main__":
    main()
