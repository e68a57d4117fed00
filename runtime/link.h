// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/connection_offer.h"
#include "runtime/control_block.h"
#include "runtime/fabric.h"
#include "transport/bell.h"
#include "transport/endpoint.h"
#include "transport/remote_region.h"

namespace runnel {

/// A trainer as its generator holds it. Thread: the main thread's.
struct TrainerLink {
  TrainerLink(Fabric& fabric, const ConnectionOffer& offer, int trainer)
      : endpoint(fabric.worker(), offer.data_address),
        control(endpoint, offer.control, fabric.mapping_policy()),
        hello(control, TrainerControl::kHelloBell, kParkOffset),
        version(control, TrainerControl::kVersionBell, kParkOffset),
        hello_heard(fabric.control(), GeneratorControl::hello_bell(trainer)),
        gradient_heard(fabric.control(), GeneratorControl::gradient_bell(trainer)),
        evaluation_heard(fabric.control(), GeneratorControl::evaluation_bell(trainer)) {}

  Endpoint endpoint;
  RemoteRegion control;
  RemoteBell hello;
  RemoteBell version;
  Bell hello_heard;
  Bell gradient_heard;
  Bell evaluation_heard;
};

/// The generator as a trainer holds it. Thread: the main thread's.
struct GeneratorLink {
  GeneratorLink(Fabric& fabric, const ConnectionOffer& offer, int trainer)
      : endpoint(fabric.worker(), offer.data_address),
        control(endpoint, offer.control, fabric.mapping_policy()),
        hello(control, GeneratorControl::hello_bell(trainer), kParkOffset),
        gradient(control, GeneratorControl::gradient_bell(trainer), kParkOffset),
        evaluation(control, GeneratorControl::evaluation_bell(trainer), kParkOffset),
        hello_heard(fabric.control(), TrainerControl::kHelloBell),
        version_heard(fabric.control(), TrainerControl::kVersionBell) {}

  Endpoint endpoint;
  RemoteRegion control;
  RemoteBell hello;
  RemoteBell gradient;
  RemoteBell evaluation;
  Bell hello_heard;
  Bell version_heard;
};

}  // namespace runnel
