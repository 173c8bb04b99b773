#include "host/defect.hpp"

#include <deployer/error.hpp>

#include <exception>

namespace deployer {

void rethrow_as_error(const std::string& plugin) {
    const auto unexpected = [&](const std::string& thrown) {
        return Error(ErrorKind::internal, "a defect of " + plugin + ", it threw unexpectedly: " + thrown);
    };
    try {
        throw;
    } catch (const Error&) {
        throw;
    } catch (const std::exception& exception) {
        throw unexpected(exception.what());
    } catch (...) {
        throw unexpected("something that is no exception");
    }
}

}  // namespace deployer
