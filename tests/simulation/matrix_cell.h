// One cell of the matrix of states and events: a fresh endpoint with its peer and its kernel,
// driven into a state, and a note of what one event does.
#pragma once

#include "tests/simulation/scripted_peer.h"
#include "tests/simulation/two_gateways.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace viaduct::simulation {

/// What happened, in the words of the snapshot. `;` stands between several.
struct CellNote {
    /// Messages sent: a request points to the right, a response to the left. `again`: octets that
    /// were sent before.
    std::string sent;
    /// `+A` installed, `-A` taken out, `A.in` and `A.out` one side of it.
    std::string kernel;
    std::string reported;
    /// The connection's state, its IKE SAs and their children.
    std::string after;
};

class Cell {
public:
    explicit Cell(policy::Connection own, ike::EndpointSettings settings = {});
    // The peer's observer points to it.
    Cell(const Cell&) = delete;
    Cell& operator=(const Cell&) = delete;

    ScriptedPeer peer;
    FakeKernel kernel{"kernel"};
    /// For the peer's side of an exchange that crosses another; absent: any.
    std::optional<ike::wire::Octets> answer_nonce;
    /// The IKE SA in question begins: its request is in clear.
    bool greets = false;
    /// The peer's IKE_AUTH request, if it sent one.
    ike::wire::Octets auth_request;
    /// The peer's last request in the current IKE SA.
    ike::wire::Octets last_request;

    /// The peer greets; its IKE_AUTH is still to come.
    void be_greeted();
    /// The peer begins and authenticates, and the IKE SA with its first child stands.
    void establish();
    /// The endpoint begins, and its IKE_SA_INIT waits for the response.
    void call();
    /// The endpoint begins, and the IKE SA with its first child stands.
    void call_and_agree();
    /// A request under the next message ID.
    std::optional<Heard> ask(ike::wire::ExchangeType exchange, const Payloads& payloads);
    /// A request that may be answered, as it is.
    std::optional<Heard> deliver(const ike::wire::Octets& octets);
    /// The request of the endpoint's that waits for its response in the current IKE SA.
    std::optional<Heard> under_way() const;
    /// Answers the request under way.
    void respond(const Payloads& payloads);
    /// Agrees to what the request under way asks.
    void agree();

    /// The children that the endpoint made, oldest first, gone or not: `A`, `B`, …
    const std::vector<policy::ChildSa>& children() const { return children_; }

    /// From here on it is noted what happens.
    void begin();
    /// Whether something was seen since.
    bool has_notes() const { return !sent_.empty() || !kernel_.empty() || !reported_.empty(); }
    CellNote note() const;
    /// What the endpoint is in: the connection's state, its IKE SAs and their children, and what it
    /// has asked and not been answered.
    std::string state() const;
    /// Promises that hold in every cell, and were broken. Ends the endpoint.
    std::vector<std::string> broken_promises();

private:
    void on_effect(const ike::Effect& effect, const Heard* heard);
    void carry_out(const ike::Effect& effect);
    std::string text_of(const Heard& heard, const ike::SendDatagram& datagram) const;
    std::string names_in(const Heard& heard) const;
    std::string name(policy::ChildSaId child);
    std::string name(policy::ChildSpi spi) const;
    std::string name(ike::wire::IkeSpi initiator_spi);
    std::string asked(ike::wire::IkeSpi initiator_spi) const;
    std::string text_of(const ike::IkeSaStatus& sa, std::vector<policy::ChildSaId>& known) const;
    std::string report_text(const ike::ReportEvent& event);
    std::string drops() const;
    void check_kernel(std::vector<std::string>& broken) const;
    void check_repetition(std::vector<std::string>& broken);
    void check_end(std::vector<std::string>& broken);

    std::vector<policy::ChildSa> children_;
    std::vector<ike::wire::IkeSpi> ike_sas_;
    std::vector<std::string> sent_, kernel_, reported_;
    ike::DropCounters drops_before_;
    /// Requests that the event delivered, and the responses that came.
    ike::wire::Octets delivered_;
    std::size_t requests_ = 0, responses_ = 0;
    std::vector<std::uint8_t> last_response_;
    bool noting_ = false;
};

} // namespace viaduct::simulation
