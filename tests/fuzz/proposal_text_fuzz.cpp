#include "policy/proposal_choice.h"

#include <cstdlib>

using namespace viaduct::policy;

namespace {

void check(std::string_view text, ProtocolId protocol) {
    const auto proposal = parse_proposal(text, protocol);
    if (!proposal) {
        if (proposal.error().offset > text.size() || proposal.error().message.empty())
            std::abort();
        return;
    }
    if (parse_proposal(proposal_text(*proposal), protocol).value() != *proposal)
        std::abort();
    const std::span list(&*proposal, 1);
    const auto choice = choose_proposal(list, list);
    if (!choice || !verify_choice(list, choice->proposal))
        std::abort();
    if (protocol == ProtocolId::ike ? !ike_suite(choice->proposal) : !esp_suite(choice->proposal))
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(octets), size);
    check(text, ProtocolId::ike);
    check(text, ProtocolId::esp);
    return 0;
}
