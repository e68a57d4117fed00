// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// What a distribution's libucp.so.0 is to a program that was linked with a newer one: the same name, an old version.
extern "C" void ucp_get_version(unsigned* major, unsigned* minor, unsigned* release) {
  *major = 1;
  *minor = 13;
  *release = 1;
}
