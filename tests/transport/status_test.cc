// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/status.h"

#include <gtest/gtest.h>
#include <ucs/type/status.h>

#include "tests/support/strict_log.h"
#include "transport/deadline.h"
#include "transport/log.h"

namespace runnel::test {
namespace {

TEST(StatusTest, MapsUcxCodesAndKeepsThem) {
  EXPECT_TRUE(Status::from_ucx(UCS_OK, "put").ok());
  EXPECT_EQ(Status::from_ucx(UCS_INPROGRESS, "put").code(), StatusCode::in_progress);
  EXPECT_EQ(Status::from_ucx(UCS_ERR_CONNECTION_RESET, "put").code(), StatusCode::peer_lost);
  EXPECT_EQ(Status::from_ucx(UCS_ERR_ENDPOINT_TIMEOUT, "put").code(), StatusCode::peer_lost);
  EXPECT_EQ(Status::from_ucx(UCS_ERR_FIRST_LINK_FAILURE, "put").code(), StatusCode::peer_lost);
  EXPECT_EQ(Status::from_ucx(UCS_ERR_CANCELED, "put").code(), StatusCode::canceled);
  EXPECT_EQ(Status::from_ucx(UCS_ERR_UNREACHABLE, "put").code(), StatusCode::unreachable);
  EXPECT_EQ(Status::from_ucx(UCS_ERR_IO_ERROR, "put").code(), StatusCode::internal);
  EXPECT_EQ(Status::from_ucx(UCS_ERR_IO_ERROR, "put").ucx_code(), UCS_ERR_IO_ERROR);
}

TEST(StatusTest, SaysOperationCodeAndUcxsText) {
  EXPECT_EQ(Status::from_ucx(UCS_ERR_CONNECTION_RESET, "put").message(),
            "put: peer_lost (UCX: Connection reset by remote peer)");
  EXPECT_EQ(Status(StatusCode::misaligned, "get").message(), "get: misaligned");
  EXPECT_EQ(Status().message(), "ok");
}

TEST(StatusTest, IsThrownUnlessOk) {
  throw_unless_ok(Status());
  try {
    throw_unless_ok(Status(StatusCode::unreachable, "connect"));
    FAIL() << "did not throw";
  } catch (const TransportError& error) {
    EXPECT_EQ(error.code(), StatusCode::unreachable);
    EXPECT_STREQ(error.what(), "connect: unreachable");
  }
}

TEST(DeadlineTest, ExpiresAndNeverGoesBelowZero) {
  const Deadline past = Deadline::after(std::chrono::milliseconds(-5));
  EXPECT_TRUE(past.expired());
  EXPECT_EQ(past.remaining(), Deadline::Clock::duration::zero());
  const Deadline far = Deadline::after(std::chrono::hours(1));
  EXPECT_FALSE(far.expired());
  EXPECT_GT(far.remaining(), std::chrono::minutes(59));
  EXPECT_LE(far.within(std::chrono::seconds(1)).remaining(), std::chrono::seconds(1));
  EXPECT_TRUE(past.within(std::chrono::hours(1)).expired());
}

TEST(LogTest, AnAnnouncedWarningIsNoFailure) {
  StrictLog log;
  log.expect("half full");
  log_warning("the disk is half full");
}

}  // namespace
}  // namespace runnel::test
