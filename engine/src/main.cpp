#include "command_line.hpp"
#include "commands.hpp"

#include <cstdlib>
#include <exception>
#include <iostream>

int main(int argc, char* argv[]) {
    constexpr int exit_usage = 64;
    try {
        return deployer::carry_out(deployer::parse_command_line({argv + 1, argv + argc}));
    } catch (const deployer::UsageError& error) {
        std::cerr << "coco-fleet-deployer: " << error.what() << '\n';
        return exit_usage;
    } catch (const std::exception& exception) {
        std::cerr << "coco-fleet-deployer: " << exception.what() << '\n';
        return EXIT_FAILURE;
    }
}
