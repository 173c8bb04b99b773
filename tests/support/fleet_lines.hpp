#pragma once

#include "support/catch.hpp"
#include "support/fleet_double.hpp"
#include "support/fleet_target.hpp"
#include "support/holds.hpp"
#include "support/nginx.hpp"
#include "support/program.hpp"
#include "support/reserved_port.hpp"
#include "support/socks_proxy.hpp"
#include "support/temp_dir.hpp"
#include "support/test_call.hpp"
#include "support/thrown_error.hpp"
#include "support/tls_files.hpp"

#include <deployer/error.hpp>
#include <deployer/unit_file.hpp>

#include <string>
#include <vector>

namespace deployer {

using Lines = std::vector<std::string>;

}  // namespace deployer
