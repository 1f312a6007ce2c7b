// viaduct: asks the daemon one question and prints the answer.
#include "daemon/cli/answer_text.h"
#include "daemon/cli/client_options.h"
#include "daemon/cli/control_connection.h"
#include "daemon/version.h"

#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace viaduct::daemon;

constexpr int wrong_usage = 2;
constexpr int no_answer = 3;

int ask(const ClientOptions& options) {
    const bool waits = options.request.command == ControlCommand::up && options.request.wait;
    const auto patience = std::chrono::seconds(10 + (waits ? options.request.timeout : 0));
    const auto answer = ask_daemon(options.control, options.request.to_line(), patience);
    if (!answer) {
        std::cerr << "viaduct: " << answer.error() << "\n";
        return no_answer;
    }
    const auto output = answer_text(options, *answer);
    std::cout << output.out << std::flush;
    if (!output.error.empty()) {
        std::cerr << "viaduct: " << output.error;
    }
    return output.exit_status;
}

} // namespace

int main(int count, char** arguments) {
    const auto options =
        parse_client_options(std::vector<std::string>(arguments + 1, arguments + count));
    if (!options) {
        std::cerr << "viaduct: " << options.error() << " (viaduct --help)\n";
        return wrong_usage;
    }
    switch (options->action) {
    case ClientOptions::Action::show_help: std::cout << client_help(); return 0;
    case ClientOptions::Action::show_version:
        std::cout << "viaduct " << version() << "\n";
        return 0;
    case ClientOptions::Action::request: break;
    }
    return ask(*options);
}
