#include "support/github_double.hpp"

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/DigestEngine.h>
#include <Poco/JSONString.h>
#include <Poco/SHA1Engine.h>
#include <Poco/Timestamp.h>

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <utility>

namespace deployer {
namespace {

using std::chrono::system_clock;

constexpr std::string_view enterprise_prefix = "/api/v3";

std::string sha1(const std::string& text) {
    Poco::SHA1Engine engine;
    engine.update(text);
    return Poco::DigestEngine::digestToHex(engine.digest());
}

std::string http_date(system_clock::time_point time) {
    return Poco::DateTimeFormatter::format(Poco::Timestamp::fromEpochTime(system_clock::to_time_t(time)),
                                           Poco::DateTimeFormat::HTTP_FORMAT);
}

HttpReply error_reply(int status, const std::string& message) {
    return {.status = status,
            .headers = {{"Content-Type", "application/json; charset=utf-8"}},
            .body = R"({"documentation_url":"https://docs.github.com/rest","message":)" + Poco::toJSON(message) + "}"};
}

/// Writes an archive into a string.
class ArchiveWriter {
public:
    ArchiveWriter() : archive_(::archive_write_new(), &::archive_write_free) {}

    [[nodiscard]] ::archive* get() const { return archive_.get(); }

    void check(int result) const {
        if (result != ARCHIVE_OK) throw std::runtime_error(std::string("double: ") + ::archive_error_string(get()));
    }

    void open() {
        const auto write = [](::archive*, void* text, const void* bytes, std::size_t count) -> la_ssize_t {
            static_cast<std::string*>(text)->append(static_cast<const char*>(bytes), count);
            return static_cast<la_ssize_t>(count);
        };
        // As for a file, not a tape: nothing after the end.
        check(::archive_write_set_bytes_in_last_block(get(), 1));
        check(::archive_write_open(get(), &text_, nullptr, write, nullptr));
    }

    void add(::archive_entry* entry, const std::string& content) const {
        check(::archive_write_header(get(), entry));
        if (content.empty()) return;
        if (::archive_write_data(get(), content.data(), content.size()) != static_cast<la_ssize_t>(content.size())) {
            throw std::runtime_error("double: cannot write an archive");
        }
    }

    std::string close() {
        check(::archive_write_close(get()));
        return std::move(text_);
    }

private:
    std::unique_ptr<::archive, decltype(&::archive_write_free)> archive_;
    std::string text_;
};

using Entry = std::unique_ptr<::archive_entry, decltype(&::archive_entry_free)>;

Entry make_entry(const std::string& path, unsigned type, unsigned mode) {
    Entry entry(::archive_entry_new(), &::archive_entry_free);
    ::archive_entry_set_pathname(entry.get(), path.c_str());
    ::archive_entry_set_filetype(entry.get(), type);
    ::archive_entry_set_perm(entry.get(), mode);
    ::archive_entry_set_mtime(entry.get(), 1'700'000'000, 0);
    ::archive_entry_set_uname(entry.get(), "root");
    ::archive_entry_set_gname(entry.get(), "root");
    return entry;
}

void add_directories(const ArchiveWriter& tar, const std::string& path, std::string& done) {
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const auto directory = path.substr(0, slash + 1);
        // Paths come in order, so a directory's files are together.
        if (done.starts_with(directory)) continue;
        tar.add(make_entry(directory, AE_IFDIR, 0775).get(), {});
        done = directory;
    }
}

std::string make_tar(const GithubTree& tree, const std::string& folder) {
    ArchiveWriter tar;
    tar.check(::archive_write_set_format_pax_restricted(tar.get()));
    // Names are bytes, whatever the locale.
    tar.check(::archive_write_set_options(tar.get(), "hdrcharset=BINARY"));
    tar.open();
    std::string directories;
    add_directories(tar, folder, directories);
    for (const auto& [path, file] : tree) {
        add_directories(tar, folder + path, directories);
        const auto entry = make_entry(folder + path, file.is_link ? AE_IFLNK : AE_IFREG, file.is_link ? 0777 : 0664);
        if (file.is_link) {
            ::archive_entry_set_symlink(entry.get(), file.content.c_str());
        } else {
            ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.content.size()));
        }
        tar.add(entry.get(), file.is_link ? std::string() : file.content);
    }
    return tar.close();
}

/// The two blocks that git writes in front, which libarchive cannot write.
std::string global_header(const std::string& commit) {
    constexpr std::size_t block = 512;
    std::string record = " comment=" + commit + "\n";
    // With its own two digits.
    record.insert(0, std::to_string(record.size() + 2));
    std::string header(block, '\0');
    const auto put = [&](std::size_t offset, std::string_view text) { text.copy(header.data() + offset, text.size()); };
    std::array<char, 12> size{};
    std::snprintf(size.data(), size.size(), "%011zo", record.size());
    put(0, "pax_global_header");
    put(100, "0000666");
    put(108, "0000000");
    put(116, "0000000");
    put(124, size.data());
    put(136, "14524555400");
    put(148, "        ");
    put(156, "g");
    put(257, std::string_view("ustar\00000", 8));
    unsigned sum = 0;
    for (const char byte : header) sum += static_cast<unsigned char>(byte);
    std::array<char, 8> checksum{};
    std::snprintf(checksum.data(), checksum.size(), "%06o", sum);
    put(148, std::string_view(checksum.data(), 7));
    record.resize(block);
    return header + record;
}

std::string without_prefix(const std::string& text, const std::string& prefix) {
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

}  // namespace

GithubDouble::GithubDouble(GithubOptions options)
    : options_(std::move(options)),
      api_([this](const HttpRequest& request) { return handle(request, "api", &GithubDouble::answer_api); }),
      codeload_(
          [this](const HttpRequest& request) { return handle(request, "codeload", &GithubDouble::answer_codeload); }),
      raw_([this](const HttpRequest& request) { return handle(request, "raw", &GithubDouble::answer_raw); }) {}

std::string GithubDouble::api_url() const {
    return api_.url("");
}

std::string GithubDouble::root_uri(const std::string& branch) const {
    return raw_.url("/" + options_.repository + "/" + branch + "/");
}

std::string GithubDouble::commit(GithubTree tree, const std::string& branch) {
    const std::scoped_lock lock(mutex_);
    auto id = sha1(options_.repository + "#" + std::to_string(commits_.size()));
    if (default_branch_.empty()) default_branch_ = branch;
    const auto before = refs_.find(branch) == refs_.end() ? GithubTree() : commits_[refs_[branch]];
    const auto day = std::chrono::hours(24);
    const auto time = http_date(system_clock::now() - day + std::chrono::minutes(commits_.size()));
    for (const auto& [path, file] : tree) {
        const auto known = before.find(path);
        const bool same = known != before.end() && known->second.content == file.content;
        if (!same) served_[std::string(branch).append(1, '/').append(path)] = time;
    }
    commits_[id] = std::move(tree);
    refs_[branch] = id;
    return id;
}

GithubTree GithubDouble::head() const {
    const std::scoped_lock lock(mutex_);
    return default_branch_.empty() ? GithubTree() : commits_.at(refs_.at(default_branch_));
}

std::string GithubDouble::put(const std::string& path, std::string content) {
    auto tree = head();
    tree[path] = {std::move(content), false};
    return commit(std::move(tree));
}

std::string GithubDouble::put_link(const std::string& path, std::string target) {
    auto tree = head();
    tree[path] = {std::move(target), true};
    return commit(std::move(tree));
}

std::string GithubDouble::remove(const std::string& path) {
    auto tree = head();
    tree.erase(path);
    return commit(std::move(tree));
}

void GithubDouble::point(const std::string& ref, const std::string& commit) {
    const std::scoped_lock lock(mutex_);
    refs_[ref] = commit;
}

std::string GithubDouble::archive(const std::string& commit) const {
    return gzip(tar(commit));
}

std::string GithubDouble::tar(const std::string& commit) const {
    GithubTree tree;
    {
        const std::scoped_lock lock(mutex_);
        tree = commits_.at(commit);
    }
    auto folder = options_.repository + "-" + commit.substr(0, 7) + "/";
    std::replace(folder.begin(), folder.end() - 1, '/', '-');
    return global_header(commit) + make_tar(tree, folder);
}

std::string GithubDouble::gzip(const std::string& tar) {
    ArchiveWriter out;
    out.check(::archive_write_set_format_raw(out.get()));
    out.check(::archive_write_add_filter_gzip(out.get()));
    // Quick rather than small.
    out.check(::archive_write_set_options(out.get(), "!timestamp,compression-level=1"));
    out.open();
    out.add(make_entry("tar", AE_IFREG, 0644).get(), tar);
    return out.close();
}

void GithubDouble::limit(int requests, system_clock::time_point reset) {
    const std::scoped_lock lock(mutex_);
    limit_ = Limit{requests, std::chrono::floor<std::chrono::seconds>(reset)};
}

void GithubDouble::lift_limit() {
    const std::scoped_lock lock(mutex_);
    limit_.reset();
}

void GithubDouble::set_fault(Fault fault) {
    const std::scoped_lock lock(fault_mutex_);
    fault_ = std::move(fault);
}

std::vector<GithubRequest> GithubDouble::requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
}

std::size_t GithubDouble::count(std::string_view line) const {
    const auto all = requests();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const auto& request) { return request.line.starts_with(line); }));
}

std::size_t GithubDouble::count(std::string_view line, int status) const {
    const auto all = requests();
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& request) {
        return request.line.starts_with(line) && request.status == status;
    }));
}

void GithubDouble::forget_requests() {
    {
        const std::scoped_lock lock(mutex_);
        requests_.clear();
        counts_.clear();
    }
    for (auto* server : {&api_, &codeload_, &raw_}) server->forget();
}

std::pair<std::size_t, GithubRequest> GithubDouble::record(const HttpRequest& request, const std::string& line) {
    const std::scoped_lock lock(mutex_);
    const bool conditional = request.has_header("If-None-Match") || request.has_header("If-Modified-Since");
    requests_.push_back({line, ++counts_[line], conditional, 0});
    return {requests_.size() - 1, requests_.back()};
}

HttpReply GithubDouble::handle(const HttpRequest& request, const std::string& server, Answer answer) {
    auto path = request.path();
    for (const auto& prefix :
         {std::string(enterprise_prefix), std::string("/repos"), "/" + options_.repository + "/"}) {
        if (path.starts_with(prefix)) path.erase(0, prefix.size());
    }
    const std::scoped_lock in_turn(fault_mutex_);
    // The branch of a raw file is no matter.
    const auto shown = server == "raw" ? path.substr(std::min(path.find('/'), path.size() - 1) + 1) : path;
    const auto [index, recorded] = record(request, server + " " + shown);
    const auto fault = (fault_ ? fault_(recorded) : std::nullopt).value_or(GithubFault{});
    auto reply = fault.status ? error_reply(*fault.status, fault.message) : (this->*answer)(request, path);
    reply.drop = fault.drop;
    reply.headers.insert(reply.headers.end(), fault.headers.begin(), fault.headers.end());
    reply.headers.emplace_back("Date", http_date(system_clock::now()));
    if (fault.body) reply.body = *fault.body;
    if (fault.framing) reply.framing = *fault.framing;
    reply.cut_after = fault.cut_after;
    reply.drip = fault.drip;
    reply.drip_bytes = fault.drip_bytes;
    reply.delay = options_.latency + fault.delay;
    const std::scoped_lock lock(mutex_);
    if (index < requests_.size()) requests_[index].status = reply.status;
    return reply;
}

HttpReply GithubDouble::answer_api(const HttpRequest& request, const std::string& path) {
    const auto authorization = request.header("Authorization");
    if (!authorization.empty() && authorization != "Bearer " + options_.token) {
        return error_reply(401, "Bad credentials");
    }
    // As for a repository that does not exist: who may not see it shall not learn that it is there.
    const bool by_token = !authorization.empty();
    if (!by_token && !options_.token.empty()) return limited(error_reply(404, "Not Found"), by_token);
    const std::string commits = "commits/";
    const std::string tarball = "tarball/";
    if (path.starts_with(commits)) return limited(answer_commit(request, path.substr(commits.size())), by_token);
    if (path.starts_with(tarball)) return limited(answer_tarball(path.substr(tarball.size())), by_token);
    return limited(error_reply(404, "Not Found"), by_token);
}

HttpReply GithubDouble::answer_commit(const HttpRequest& request, const std::string& ref) {
    const auto id = resolve(ref);
    if (!id) return error_reply(422, "No commit found for SHA: " + ref);
    const bool plain = request.header("Accept") == "application/vnd.github.sha";
    const auto etag = "W/" + Poco::toJSON(sha1(*id + (plain ? "sha" : "json")));
    HttpReply reply{.headers = {{"Vary", "Accept, Authorization"}},
                    .body = plain ? *id : R"({"sha":)" + Poco::toJSON(*id) + "}"};
    if (options_.etags) reply.headers.emplace_back("ETag", etag);
    if (options_.etags && request.header("If-None-Match") == etag) reply.status = 304;
    return reply;
}

HttpReply GithubDouble::answer_tarball(const std::string& ref) const {
    const auto id = resolve(ref);
    if (!id) return error_reply(404, "Not Found");
    const auto query = options_.token.empty() ? std::string() : "?token=SHORTLIVED";
    return {.status = 302,
            .headers = {{"Location", codeload_.url("/" + options_.repository + "/legacy.tar.gz/" + *id + query)}}};
}

HttpReply GithubDouble::answer_codeload(const HttpRequest& request, const std::string& path) {
    const auto id = without_prefix(path, "legacy.tar.gz/");
    const bool may_read = options_.token.empty() || request.parameter("token") == "SHORTLIVED";
    if (!may_read || resolve(id) != id) return error_reply(404, "Not Found");
    return {.headers = {{"Content-Type", "application/x-gzip"}},
            .body = archive(id),
            .framing = HttpReply::Framing::chunked};
}

HttpReply GithubDouble::answer_raw(const HttpRequest& request, const std::string& path) {
    const std::scoped_lock lock(mutex_);
    const auto slash = path.find('/');
    const auto branch = refs_.find(path.substr(0, slash));
    HttpReply missing{.status = 404, .headers = {{"Content-Type", "text/plain"}}, .body = "404: Not Found"};
    if (slash == std::string::npos || branch == refs_.end()) return missing;
    const auto& tree = commits_.at(branch->second);
    const auto file = tree.find(path.substr(slash + 1));
    if (file == tree.end()) return missing;
    HttpReply reply{.headers = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "max-age=300"}},
                    .body = file->second.content};
    const auto etag = Poco::toJSON(sha1(reply.body));
    const auto& time = served_.at(path);
    if (options_.etags) reply.headers.emplace_back("ETag", etag);
    if (options_.last_modified) reply.headers.emplace_back("Last-Modified", time);
    // An ETag that was sent decides alone.
    const bool by_etag = options_.etags && request.has_header("If-None-Match");
    const bool by_time = options_.last_modified && request.header("If-Modified-Since") == time;
    if (by_etag ? request.header("If-None-Match") == etag : by_time) reply.status = 304;
    return reply;
}

HttpReply GithubDouble::limited(HttpReply reply, bool by_token) {
    const std::scoped_lock lock(mutex_);
    if (!limit_) return reply;
    const auto over = system_clock::now() >= limit_->reset;
    if (limit_->remaining == 0 && !over) {
        reply = error_reply(403, "API rate limit exceeded for 127.0.0.1.");
    } else if (!over && !(reply.status == 304 && by_token)) {
        --limit_->remaining;
    }
    reply.headers.emplace_back("X-RateLimit-Limit", by_token ? "5000" : "60");
    reply.headers.emplace_back("X-RateLimit-Remaining", std::to_string(over ? 60 : limit_->remaining));
    reply.headers.emplace_back("X-RateLimit-Reset", std::to_string(system_clock::to_time_t(limit_->reset)));
    return reply;
}

std::optional<std::string> GithubDouble::resolve(const std::string& ref) const {
    const std::scoped_lock lock(mutex_);
    const auto& name = ref == "HEAD" ? default_branch_ : ref;
    if (const auto found = refs_.find(name); found != refs_.end()) return found->second;
    const bool is_known = commits_.find(name) != commits_.end();
    return is_known ? std::optional(name) : std::nullopt;
}

}  // namespace deployer
