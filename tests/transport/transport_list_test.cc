// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/transport_list.h"

#include <gtest/gtest.h>

namespace runnel::test {
namespace {

struct Row {
  const char* ucx_tls;
  bool posix;
  bool shared_memory;
  bool rdma;
  bool cuda_ipc;
};

TEST(TransportListTest, SelectsWhatUcxSelects) {
  const Row rows[] = {
      {"", true, true, true, true},
      {"all", true, true, true, true},
      {"tcp,self", false, false, false, false},
      {"posix,tcp", true, true, false, false},
      {"sysv", false, true, false, false},
      {"mm,self", true, true, false, false},
      {"sm,cuda", true, true, false, true},
      {"shm", true, true, false, false},
      {"cma", false, false, false, false},
      {"rc,self", false, false, true, false},
      {"rc_x", false, false, true, false},
      {"ib", false, false, true, false},
      {"srd", false, false, true, false},
      {"cuda_copy", false, false, false, false},
      {"^sysv", true, true, true, true},
      {"^posix", false, true, true, true},
      {"^sm", false, false, true, true},
      {"^ib,cuda", true, true, false, false},
      {"^rc", true, true, true, true},
      {"^", true, true, true, true},
      {"posixx", false, false, false, false},
      {"^all", false, false, false, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string("UCX_TLS=") + row.ucx_tls);
    const TransportList list(row.ucx_tls);
    EXPECT_EQ(list.selects("posix"), row.posix);
    EXPECT_EQ(list.selects_shared_memory(), row.shared_memory);
    EXPECT_EQ(list.selects_rdma(), row.rdma);
    EXPECT_EQ(list.selects("cuda_ipc"), row.cuda_ipc);
  }
}

TEST(TransportListTest, KnowsResourcesByTheirTransport) {
  EXPECT_TRUE(is_shared_memory("posix/memory"));
  EXPECT_TRUE(is_shared_memory("sysv/memory"));
  EXPECT_FALSE(is_shared_memory("cma/memory"));
  EXPECT_TRUE(is_rdma("rc_mlx5/mlx5_0:1"));
  EXPECT_TRUE(is_rdma("srd/efa_0:1"));
  EXPECT_FALSE(is_rdma("tcp/ib0"));
}

}  // namespace
}  // namespace runnel::test
