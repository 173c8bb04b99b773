#include <deployer/settings.hpp>
