#include "daemon/status_json.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace viaduct::daemon {

namespace json = boost::json;

namespace {

class IndentedText {
public:
    void put(const json::value& value, std::size_t depth) {
        if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
            put_object(*object, depth);
        } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
            put_array(*array, depth);
        } else if (const auto* number = value.if_double(); number != nullptr) {
            // Without the exponent that Boost.JSON always writes.
            text_ += fmt::format("{}", *number);
        } else {
            text_ += json::serialize(value);
        }
    }
    std::string take() { return std::move(text_); }

private:
    void new_line(std::size_t depth) { text_.append("\n").append(2 * depth, ' '); }

    void put_object(const json::object& object, std::size_t depth) {
        char separator = '{';
        for (const auto& member : object) {
            text_ += separator;
            new_line(depth + 1);
            text_ += json::serialize(member.key()) + ": ";
            put(member.value(), depth + 1);
            separator = ',';
        }
        new_line(depth);
        text_ += '}';
    }

    void put_array(const json::array& array, std::size_t depth) {
        char separator = '[';
        for (const auto& element : array) {
            text_ += separator;
            new_line(depth + 1);
            put(element, depth + 1);
            separator = ',';
        }
        new_line(depth);
        text_ += ']';
    }

    std::string text_;
};

} // namespace

json::value to_json(const StatusReport& report) {
    return json::value_from(report);
}

std::expected<StatusReport, std::string> status_from_json(const json::value& value) {
    auto report = json::try_value_to<StatusReport>(value);
    if (report.has_error()) {
        return std::unexpected("the daemon's status is not understood (" +
                               report.error().message() +
                               "); do the versions of viaduct and viaductd differ?");
    }
    return std::move(*report);
}

std::string indented(const json::value& value) {
    IndentedText text;
    text.put(value, 0);
    return text.take() + "\n";
}

} // namespace viaduct::daemon
