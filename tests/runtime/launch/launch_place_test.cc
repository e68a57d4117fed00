// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/launch_place.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "runtime/launch/process_tree.h"
#include "tests/support/scoped_environment.h"

namespace runnel {
namespace {

using test::ScopedEnvironment;

struct Launcher {
  const char* name;
  const char* rank;
  const char* size;
  const char* local_rank;
};

class LaunchPlaceTest : public testing::TestWithParam<Launcher> {
 protected:
  ScopedEnvironment rank_{GetParam().rank, "5"};
  ScopedEnvironment size_{GetParam().size, "8"};
};

TEST_P(LaunchPlaceTest, IsReadFromTheEnvironment) {
  const ScopedEnvironment local_rank(GetParam().local_rank, "1");
  const auto place = LaunchPlace::from_environment();
  ASSERT_TRUE(place);
  EXPECT_EQ(place->rank, 5);
  EXPECT_EQ(place->size, 8);
  EXPECT_EQ(place->local_rank, 1);
}

TEST_P(LaunchPlaceTest, TakesTheRankWhereTheLauncherSaysNothingOfHosts) {
  const auto place = LaunchPlace::from_environment();
  ASSERT_TRUE(place);
  EXPECT_EQ(place->local_rank, 5);
}

INSTANTIATE_TEST_SUITE_P(Launchers, LaunchPlaceTest,
                         testing::Values(Launcher{"OpenMpi", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                                                  "OMPI_COMM_WORLD_LOCAL_RANK"},
                                         Launcher{"Hydra", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
                                         Launcher{"Slurm", "PMIX_RANK", "SLURM_NTASKS", "SLURM_LOCALID"}),
                         [](const auto& test) { return test.param.name; });

TEST(NoLaunchPlaceTest, IsThatOfAProcessStartedByHand) {
  EXPECT_FALSE(LaunchPlace::from_environment());
}

TEST(LauncherTest, AVariableThatAShellPassedOnMakesNoLauncher) {
  EXPECT_FALSE(started_by_launcher());
  // Of a rank the launcher is the parent of its parent, which is mpirun.
  const ScopedEnvironment grandparent("RUNNEL_LAUNCHER", std::to_string(state_of(getppid()).parent));
  EXPECT_TRUE(started_by_launcher());
  const ScopedEnvironment other("RUNNEL_LAUNCHER", std::to_string(getpid()));
  EXPECT_FALSE(started_by_launcher());
}

}  // namespace
}  // namespace runnel
