#include "documents.hpp"

#include <Poco/DateTimeFormatter.h>
#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>
#include <Poco/Timestamp.h>

namespace deployer {

std::string document_key(std::string_view document, const std::string& identity) {
    Poco::SHA1Engine engine;
    engine.update(identity);
    return std::string(document) + '-' + Poco::DigestEngine::digestToHex(engine.digest());
}

std::string timestamp() {
    return Poco::DateTimeFormatter::format(Poco::Timestamp(), "%Y-%m-%dT%H:%M:%s") + 'Z';
}

}  // namespace deployer
