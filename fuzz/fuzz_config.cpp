#include "config/config.hpp"
#include "message.hpp"
#include "promise.hpp"
#include "yaml/yaml_document.hpp"

#include <deployer/error.hpp>
#include <deployer/settings.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

using namespace deployer;

namespace {

void check_node(const SettingsNode& node, int depth, std::size_t& nodes) {
    const YamlBudget budget;
    promise(++nodes <= budget.nodes, "a document keeps to its budget of values");
    promise(depth <= budget.depth, "a document keeps to its budget of depth");
    promise(node.line > 0, "a value stands on a line");
    const bool is_block = node.kind == SettingsNode::Kind::block;
    const bool is_list = node.kind == SettingsNode::Kind::list;
    promise(node.keys.size() == (is_block ? node.items.size() : 0), "each value of a block has a key");
    promise(is_block || is_list || node.items.empty(), "only lists and blocks hold values");
    for (const auto& item : node.items) check_node(item, depth + (item.items.empty() ? 0 : 1), nodes);
}

void expect_misconfigured(const std::function<void()>& ask) {
    try {
        ask();
    } catch (const Error& error) {
        promise(error.kind() == ErrorKind::misconfigured, "a bad setting is a misconfiguration");
        promise_message(error.what());
    }
}

/// Reads every key as every type, except as a secret's file: the fuzzer must not read files.
void ask_all(const Settings& view, int depth) {
    for (const auto& key : view.keys()) {
        expect_misconfigured([&] { (void)view.text(key); });
        expect_misconfigured([&] { (void)view.integer(key, -1'000, 1'000); });
        expect_misconfigured([&] { (void)view.boolean(key); });
        expect_misconfigured([&] { promise(view.duration(key).count() >= 0, "a duration is not negative"); });
        expect_misconfigured([&] { (void)view.path(key); });
        expect_misconfigured([&] { (void)view.texts(key); });
        expect_misconfigured([&] { (void)view.find_choice(key, {"text", "json"}); });
        if (!view.has(key + "_file")) expect_misconfigured([&] { (void)view.find_secret(key); });
        if (depth == 0) continue;
        expect_misconfigured([&] { ask_all(view.block(key), depth - 1); });
        expect_misconfigured([&] {
            for (const auto& block : view.blocks(key)) ask_all(block, depth - 1);
        });
    }
    promise(view.unknown_keys().empty(), "keys that were asked for are known");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const auto document = read_yaml(text, "fuzz.yaml", "/nowhere");
        promise(document->root.kind == SettingsNode::Kind::block, "the root is a block");
        std::size_t nodes = 0;
        check_node(document->root, 1, nodes);
        const Settings untouched(document);
        for (const auto& message : untouched.unknown_keys()) promise_message(message);
        ask_all(Settings(document), 3);
    } catch (const Error& error) {
        promise(error.kind() == ErrorKind::rejected, "what is no YAML is rejected");
        promise_message(error.what());
    }
    expect_misconfigured([&] { (void)read_config(text, "fuzz.yaml", "/nowhere"); });
    return 0;
}
