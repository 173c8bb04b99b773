#include "rollout/choose_step.hpp"

#include "support/catch.hpp"

#include <vector>

using namespace deployer;

namespace {

struct Choice {
    std::size_t step;
    std::vector<std::size_t> looked_at;
};

Choice choose(const std::vector<Worth>& nodes) {
    std::deque<std::size_t> waiting;
    for (std::size_t i = 0; i < nodes.size(); ++i) waiting.push_back(i);
    Choice choice{};
    choice.step = choose_neediest(waiting, [&](std::size_t step) {
        choice.looked_at.push_back(step);
        return nodes[step];
    });
    return choice;
}

}  // namespace

TEST_CASE("a node that is down goes before an unproven one, and that before one that is up", "[R41]") {
    CHECK(choose({Worth::up, Worth::unproven, Worth::down}).step == 2);
    CHECK(choose({Worth::up, Worth::up, Worth::unproven}).step == 2);
    CHECK(choose({Worth::unproven, Worth::down}).step == 1);
}

TEST_CASE("of nodes that are worth the same, the first one goes first", "[R41]") {
    CHECK(choose({Worth::up, Worth::up}).step == 0);
    CHECK(choose({Worth::down, Worth::down}).step == 0);
    CHECK(choose({Worth::up, Worth::down, Worth::down}).step == 1);
}

TEST_CASE("the choice of a step looks at no more nodes than it has to", "[R41]") {
    CHECK(choose({Worth::down}).looked_at.empty());
    CHECK(choose({Worth::up, Worth::up}).looked_at == std::vector<std::size_t>{1});
    CHECK(choose({Worth::up, Worth::down, Worth::up}).looked_at == std::vector<std::size_t>{1, 0});
}
