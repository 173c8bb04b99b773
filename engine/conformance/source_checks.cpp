#include "conformance/checks.hpp"
#include "conformance/expectation.hpp"

#include <deployer/source.hpp>

#include <algorithm>
#include <stop_token>
#include <thread>
#include <utility>

namespace deployer::conformance {
namespace {

std::vector<File> read(Subject& subject, Checkout& checkout, const std::vector<std::string>& locations) {
    std::vector<FileRequest> requests;
    requests.reserve(locations.size());
    for (const auto& location : locations) requests.push_back({location});
    std::vector<File> files;
    expect_success("read()", [&] { files = checkout.read(requests, subject.call()); });
    expect(files.size() == requests.size(),
           "asked for " + std::to_string(requests.size()) + " files, read() gave " + std::to_string(files.size()));
    return files;
}

std::unique_ptr<Checkout> check_out(Subject& subject, Source& source, const Revision& known = {}) {
    std::unique_ptr<Checkout> checkout;
    expect_success("checkout()", [&] { checkout = source.checkout(known, subject.call()); });
    expect(checkout != nullptr || !known.empty(), "checkout() of no known revision gave null");
    return checkout;
}

/// The contents of all files that the settings name. The source has to have them.
std::vector<std::string> contents(Subject& subject, Checkout& checkout) {
    const auto& names = subject.settings().files;
    const auto files = read(subject, checkout, names);
    std::vector<std::string> contents;
    contents.reserve(files.size());
    for (std::size_t i = 0; i < files.size(); ++i) {
        const auto& error = files[i].error;
        expect(!error, names[i] + " cannot be read: " + (error ? error->what() : ""));
        contents.push_back(files[i].content);
    }
    return contents;
}

/// The revision of a checkout. Reads all files first, since the revision may be known only then.
Revision revision_of(Subject& subject, Checkout& checkout) {
    (void)contents(subject, checkout);
    Revision revision;
    expect_success("revision()", [&] { revision = checkout.revision(); });
    return revision;
}

void check_revision(Subject& subject) {
    const auto source = subject.make<Source>();
    const auto checkout = check_out(subject, *source);
    const auto revision = revision_of(subject, *checkout);
    expect(!revision.empty(), "it is empty");
    const bool printable = std::none_of(revision.id.begin(), revision.id.end(),
                                        [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; });
    expect(printable, "it is not one line of printable text");
}

void check_nothing_moved(Subject& subject) {
    const auto source = subject.make<Source>();
    const auto revision = revision_of(subject, *check_out(subject, *source));
    expect(check_out(subject, *source, revision) == nullptr, "nothing moved, and checkout() gave something");
    expect(check_out(subject, *source) != nullptr, "checkout() of no known revision gave null");
    expect(check_out(subject, *source, Revision{"of-somebody-else"}) != nullptr,
           "checkout() of a revision that it does not have gave null");
}

void check_other_instance(Subject& subject) {
    const auto source = subject.make<Source>();
    const auto checkout = check_out(subject, *source);
    const auto revision = revision_of(subject, *checkout);
    const auto other = subject.make<Source>();
    const auto again = check_out(subject, *other);
    expect(contents(subject, *again) == contents(subject, *checkout), "another instance reads something else");
    expect(revision_of(subject, *again) == revision, "another instance has another revision of the same");
    const auto restarted = subject.make<Source>();
    expect(check_out(subject, *restarted, revision) == nullptr,
           "an instance that is new gives something for the revision that is known");
}

void check_same_again(Subject& subject) {
    const auto source = subject.make<Source>();
    const auto checkout = check_out(subject, *source);
    const auto first = contents(subject, *checkout);
    const auto revision = revision_of(subject, *checkout);
    expect(contents(subject, *checkout) == first, "the same files, read again, are others");
    expect(revision_of(subject, *checkout) == revision, "the revision of the same files, read again, is another");
}

void check_order(Subject& subject) {
    const auto source = subject.make<Source>();
    const auto checkout = check_out(subject, *source);
    const auto& name = subject.settings().files.front();
    const auto files = read(subject, *checkout, {"not-there/missing.service", name, "missing.service", name});
    expect(files[0].error && files[2].error, "a file that is missing has no error");
    expect(!files[1].error && !files[3].error && files[1].content == files[3].content,
           "the answers do not stand in the order of the requests");
}

void check_missing(Subject& subject) {
    const auto source = subject.make<Source>();
    const auto checkout = check_out(subject, *source);
    const auto file = read(subject, *checkout, {"no-such-file.service"}).front();
    expect(file.error.has_value(), "it is read as a file of " + std::to_string(file.content.size()) + " bytes");
    expect(file.error->kind() == ErrorKind::not_found, "its error is " + std::string(to_string(file.error->kind())) +
                                                           " (and not not_found): " + file.error->what());
}

void check_nothing_asked(Subject& subject) {
    const auto source = subject.make<Source>();
    expect(read(subject, *check_out(subject, *source), {}).empty(), "no files were asked for");
}

void check_outside(Subject& subject) {
    const auto source = subject.make<Source>();
    const auto checkout = check_out(subject, *source);
    for (const std::string location :
         {"../services.yaml", "/etc/passwd", "a/../../services.yaml", "..", "a/../../../etc/passwd"}) {
        const auto file = read(subject, *checkout, {location}).front();
        expect(file.error.has_value(), location + " was read");
        expect(file.error->kind() == ErrorKind::rejected, location + " is " +
                                                              std::string(to_string(file.error->kind())) +
                                                              " (and not rejected): " + file.error->what());
    }
}

void check_change(Subject& subject) {
    const auto& change = subject.settings().change;
    if (!change) throw CheckSkipped("the settings have no change");
    const auto source = subject.make<Source>();
    const auto before = check_out(subject, *source);
    const auto files = contents(subject, *before);
    const auto known = revision_of(subject, *before);
    subject.workplace().run("change", *change, [] { return false; });
    std::unique_ptr<Checkout> after;
    const bool moved = eventually(subject.settings().timeout, [&] {
        after = check_out(subject, *source, known);
        return after != nullptr;
    });
    expect(moved, "after the change, checkout() says that nothing moved");
    expect(contents(subject, *after) != files, "after the change, the files are as before");
    expect(revision_of(subject, *after) != known, "after the change, the revision is as before");
    const auto fresh = subject.make<Source>();
    expect(check_out(subject, *fresh, known) != nullptr, "an instance that is new says that nothing moved");
}

void check_wait(Subject& subject) {
    const auto source = subject.make<Source>();
    (void)revision_of(subject, *check_out(subject, *source));
    const auto wait = [&](const Call& call) {
        expect_success("wait_for_change()", [&] { source->wait_for_change(call); });
    };
    expect_within(Subject::short_time + Subject::late_bound, "wait_for_change() with a deadline",
                  [&] { wait(subject.call(Subject::short_time)); });
    with_late_stop([&](const std::stop_token& stop) {
        expect_within(Subject::stop_bound, "wait_for_change() that is stopped", [&] { wait(subject.call(stop)); });
    });
}

/// Calls everything that reads, since a source may do its work in any of these calls.
void read_all(Subject& subject, Source& source, const Call& call) {
    const auto checkout = source.checkout({}, call);
    if (!checkout) throw CheckFailed("checkout() of no known revision gave null");
    std::vector<FileRequest> requests;
    requests.reserve(subject.settings().files.size());
    for (const auto& name : subject.settings().files) requests.push_back({name});
    for (const auto& file : checkout->read(requests, call)) {
        if (file.error) throw Error(*file.error);
    }
}

void check_stopped(Subject& subject) {
    const auto source = subject.make<Source>();
    std::stop_source stop;
    stop.request_stop();
    expect_within(Subject::stop_bound, "reading", [&] {
        expect_success_or("reading", {ErrorKind::cancelled},
                          [&] { read_all(subject, *source, subject.call(stop.get_token())); });
    });
}

void check_late(Subject& subject) {
    const auto source = subject.make<Source>();
    expect_within(Subject::late_bound, "reading", [&] {
        expect_success_or("reading", {ErrorKind::unavailable},
                          [&] { read_all(subject, *source, subject.call(Subject::Time(0))); });
    });
}

void check_unreachable(Subject& subject) {
    const auto source = subject.make_unreachable<Source>();
    expect_error("reading", {ErrorKind::unavailable, ErrorKind::misconfigured},
                 [&] { read_all(subject, *source, subject.call()); });
}

void check_fault(Subject& subject, Fault fault) {
    const FaultPort port(fault);
    const auto source = subject.make_at<Source>(port);
    expect_within(Subject::late_bound, "reading", [&] {
        expect_error("reading", {ErrorKind::unavailable},
                     [&] { read_all(subject, *source, subject.call(Subject::short_time)); });
    });
}

void check_stop_while_waiting(Subject& subject) {
    const FaultPort port(Fault::silent);
    const auto source = subject.make_at<Source>(port);
    with_late_stop([&](const std::stop_token& stop) {
        expect_within(Subject::stop_bound, "reading", [&] {
            expect_error("reading that is stopped", {ErrorKind::cancelled},
                         [&] { read_all(subject, *source, subject.call(stop)); });
        });
    });
}

}  // namespace

std::vector<Check> checks_of_sources() {
    return {
        {"a revision is one line of printable text", check_revision},
        {"what has not moved is not read again", check_nothing_moved},
        {"another instance knows the same revision", check_other_instance},
        {"the same files, read again, are the same", check_same_again},
        {"files stand in the order in which they were asked for", check_order},
        {"a file that is missing is not_found", check_missing},
        {"no files are an answer, too", check_nothing_asked},
        {"nothing outside of the root is read", check_outside},
        {"a change is seen, with another revision", check_change},
        {"waiting for a change ends at the deadline, and when it is stopped", check_wait},
        {"a call that was stopped before ends at once", check_stopped},
        {"a call past its deadline ends at once", check_late},
        {"out of reach, there is an error and no wanted state", check_unreachable},
        {"where nobody listens, reading is unavailable",
         [](Subject& subject) { check_fault(subject, Fault::refuses); }},
        {"where nobody answers, reading ends at its deadline",
         [](Subject& subject) { check_fault(subject, Fault::silent); }},
        {"where nobody answers, reading ends when it is stopped", check_stop_while_waiting},
        {"an answer that makes no sense is unavailable",
         [](Subject& subject) { check_fault(subject, Fault::nonsense); }},
        {"an answer that is cut short is unavailable", [](Subject& subject) { check_fault(subject, Fault::cut); }},
    };
}

}  // namespace deployer::conformance
