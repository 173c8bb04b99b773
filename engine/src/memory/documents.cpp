#include "memory/documents.hpp"

#include "text/hex.hpp"

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/DateTimeParser.h>
#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>
#include <Poco/Timestamp.h>

#include <random>

namespace deployer {

std::string document_key(std::string_view document, const std::string& identity) {
    Poco::SHA1Engine engine;
    engine.update(identity);
    return std::string(document) + '-' + Poco::DigestEngine::digestToHex(engine.digest());
}

std::string timestamp() {
    return Poco::DateTimeFormatter::format(Poco::Timestamp(), "%Y-%m-%dT%H:%M:%s") + 'Z';
}

bool is_of_last(std::chrono::milliseconds age, const std::string& stamp) {
    Poco::DateTime time;
    int zone = 0;
    if (!Poco::DateTimeParser::tryParse("%Y-%m-%dT%H:%M:%s", stamp, time, zone)) return false;
    const auto passed = Poco::Timestamp() - time.timestamp();
    return passed >= 0 && std::chrono::microseconds(passed) < age;
}

std::string make_identity() {
    std::random_device random;
    return in_hex(random(), 8) + in_hex(random(), 8);
}

}  // namespace deployer
