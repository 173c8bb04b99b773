#pragma once

/// Marks what libcoco-deployer-sdk exports. The library and every plugin are built with hidden visibility, so a type
/// that crosses between them (an exception above all) exists once, here.
#define DEPLOYER_SDK_EXPORT __attribute__((visibility("default")))
