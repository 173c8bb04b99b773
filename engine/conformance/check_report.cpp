#include "conformance/check_report.hpp"

#include <algorithm>
#include <cstddef>

namespace deployer::conformance {
namespace {

using Verdict = CheckResult::Verdict;

std::size_t count(const std::vector<CheckResult>& results, Verdict verdict) {
    return static_cast<std::size_t>(
        std::count_if(results.begin(), results.end(), [&](const auto& result) { return result.verdict == verdict; }));
}

/// Escapes a text for TAP, in which "#" begins a directive and "\\" is an escape.
std::string in_tap(const std::string& text) {
    std::string escaped;
    for (const char letter : text) {
        if (letter == '#' || letter == '\\') escaped += '\\';
        escaped += letter;
    }
    return escaped;
}

std::string in_xml(const std::string& text) {
    std::string escaped;
    for (const char letter : text) {
        switch (letter) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            default:
                escaped += letter;
        }
    }
    return escaped;
}

std::string counted(const std::string& attribute, std::size_t number) {
    return ' ' + attribute + "=\"" + std::to_string(number) + '"';
}

}  // namespace

std::string write_line(const CheckResult& result) {
    switch (result.verdict) {
        case Verdict::passed:
            return "ok       " + result.name + '\n';
        case Verdict::failed:
            return "FAILED   " + result.name + ": " + result.detail + '\n';
        case Verdict::skipped:
            return "skipped  " + result.name + ": " + result.detail + '\n';
    }
    return {};
}

std::string write_summary(const std::vector<CheckResult>& results) {
    return std::to_string(count(results, Verdict::passed)) + " passed, " +
           std::to_string(count(results, Verdict::failed)) + " failed, " +
           std::to_string(count(results, Verdict::skipped)) + " skipped\n";
}

std::string write_tap(const std::vector<CheckResult>& results) {
    std::string text = "TAP version 13\n1.." + std::to_string(results.size()) + '\n';
    for (std::size_t i = 0; i < results.size(); ++i) {
        const auto& result = results[i];
        text += result.verdict == Verdict::failed ? "not ok " : "ok ";
        text += std::to_string(i + 1) + " - " + in_tap(result.name);
        if (result.verdict == Verdict::skipped) text += " # SKIP " + in_tap(result.detail);
        text += '\n';
        if (result.verdict == Verdict::failed) text += "# " + result.detail + '\n';
    }
    return text;
}

std::string write_junit(const std::vector<CheckResult>& results, const std::string& suite) {
    std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" + in_xml(suite) + '"' +
                       counted("tests", results.size()) + counted("failures", count(results, Verdict::failed)) +
                       counted("skipped", count(results, Verdict::skipped)) + ">\n";
    for (const auto& result : results) {
        text += "  <testcase classname=\"" + in_xml(suite) + "\" name=\"" + in_xml(result.name) + '"';
        if (result.verdict == Verdict::passed) {
            text += "/>\n";
            continue;
        }
        const std::string element = result.verdict == Verdict::failed ? "failure" : "skipped";
        text += "><" + element + " message=\"" + in_xml(result.detail) + "\"/></testcase>\n";
    }
    return text + "</testsuite>\n";
}

bool all_passed(const std::vector<CheckResult>& results) {
    return !results.empty() && count(results, Verdict::failed) == 0;
}

}  // namespace deployer::conformance
