#include <deployer/unit_file.hpp>
