#pragma once

#define DEPLOYER_SDK_EXPORT __attribute__((visibility("default")))
