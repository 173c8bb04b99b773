#include <deployer/unit_name.hpp>
