#pragma once

#include "curl_handles.hpp"
#include "errand.hpp"
#include "failure.hpp"
#include "http_client.hpp"
#include "url.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace deployer::http {

using Outcome = std::variant<Response, Failure>;

/// One request and its answer, over a handle of its own that the caller adds to a multi handle, runs and removes again.
/// The errand's parts and the options have to outlive the transfer.
class Transfer {
public:
    using Clock = std::chrono::steady_clock;

    Transfer(EasyHandle handle, const Errand& errand, const ClientOptions& options);
    ~Transfer() = default;
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    Transfer(Transfer&&) = delete;
    Transfer& operator=(Transfer&&) = delete;

    [[nodiscard]] CURL* handle() const noexcept { return handle_.get(); }

    /// The time at which this transfer has stalled unless more bytes come. Before the transfer is connected it never
    /// stalls: the maximum time point.
    [[nodiscard]] Clock::time_point stall_limit() const noexcept;
    [[nodiscard]] Failure stalled() const;

    /// The result of the transfer, after the library has ended the transfer with `code`.
    [[nodiscard]] Outcome finish(CURLcode code);

    /// Gives up the handle, reset for another transfer.
    [[nodiscard]] EasyHandle take_handle() &&;

private:
    void set_callbacks();

    bool take_header_line(std::string_view line);
    bool take_body(std::string_view piece);
    void note_activity() noexcept;
    [[nodiscard]] Progress progress() const;
    [[nodiscard]] bool has_known_end() const;

    EasyHandle handle_;
    const Url& url_;
    const ClientOptions& options_;
    CurlList headers_;
    std::array<char, CURL_ERROR_SIZE> detail_{};
    std::optional<Clock::time_point> last_activity_;
    curl_off_t sent_ = 0;
    Response response_;
    std::size_t header_bytes_ = 0;
    bool headers_whole_ = false;
    std::optional<Failure> refused_;  ///< set when this class ended the transfer because of the received data
};

}  // namespace deployer::http
