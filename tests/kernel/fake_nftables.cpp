#include "tests/kernel/fake_nftables.h"

#include "netns/attribute_view.h"

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <utility>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

namespace viaduct::test {

using netns::NetlinkAnswer;
using netns::NetlinkMessage;
using netns::SystemError;

namespace {

using NftOctets = std::span<const std::uint8_t>;
using Tables = FakeNftables::Tables;
using Table = FakeNftables::Table;

/// A request without the header: what it is about.
struct NftRequest {
    std::uint16_t type = 0;
    NftOctets octets;
    netns::AttributeViews attributes;

    explicit NftRequest(const NetlinkMessage& message)
        : type(netns::read_fixed<nlmsghdr>(message.octets()).value().nlmsg_type & 0xff),
          octets(message.octets().subspan(NLMSG_LENGTH(sizeof(nfgenmsg)))),
          attributes(netns::read_attributes(octets)) {}

    NftOctets value(std::uint16_t attribute) const {
        const auto found = attributes.find(attribute);
        return found == attributes.end() ? NftOctets() : found->second;
    }
    /// All behind one of its attributes' values.
    Octets copy_behind(NftOctets value) const {
        const auto behind =
            static_cast<std::size_t>(value.data() - octets.data()) + (value.size() + 3) / 4 * 4;
        const auto rest = octets.subspan(std::min(behind, octets.size()));
        return {rest.begin(), rest.end()};
    }
};

std::string name_in(NftOctets value) {
    return {value.begin(), std::ranges::find(value, 0)};
}

std::string name_in(NftOctets attributes, std::uint16_t type) {
    const auto all = netns::read_attributes(attributes);
    const auto found = all.find(type);
    return found == all.end() ? std::string() : name_in(found->second);
}

Octets nested_octets(NftOctets value, std::uint16_t type) {
    const auto all = netns::read_attributes(value);
    const auto found = all.find(type);
    return found == all.end() ? Octets() : Octets(found->second.begin(), found->second.end());
}

std::uint64_t big_endian(NftOctets value) {
    std::uint64_t number = 0;
    for (const std::uint64_t octet : value) {
        number = number << 8 | octet;
    }
    return number;
}

/// Of a list whose entries have one type.
std::vector<NftOctets> entries_of(NftOctets list) {
    std::vector<NftOctets> entries;
    while (const auto head = netns::read_fixed<nlattr>(list)) {
        entries.push_back(list.first(head->nla_len).subspan(sizeof(nlattr)));
        list = list.subspan(std::min<std::size_t>(list.size(), (head->nla_len + 3U) / 4 * 4));
    }
    return entries;
}

bool is_at_most(NftOctets one, NftOctets other) {
    return !std::ranges::lexicographical_compare(other, one);
}

/// An element's key of two addresses, which may be the first or the last of a range.
struct PairKey {
    Octets source, destination;
    explicit PairKey(NftOctets key) {
        const auto half = key.size() / 2;
        const auto rest = key.subspan(half);
        source.assign(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(half));
        destination.assign(rest.begin(), rest.end());
    }
    bool is_at_most(const PairKey& other) const {
        return test::is_at_most(source, other.source) &&
               test::is_at_most(destination, other.destination);
    }
};

/// A range's key is both its ends, of one length.
std::pair<PairKey, PairKey> ends_of(NftOctets element) {
    const auto half = element.size() / 2;
    return {PairKey(element.first(half)), PairKey(element.subspan(half))};
}

bool overlap(NftOctets one, NftOctets other) {
    const auto [start, end] = ends_of(one);
    const auto [other_start, other_end] = ends_of(other);
    return start.is_at_most(other_end) && other_start.is_at_most(end);
}

Octets element_key(NftOctets element) {
    const auto parts = netns::read_attributes(element);
    Octets key = nested_octets(parts.at(NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
    if (const auto end = parts.find(NFTA_SET_ELEM_KEY_END); end != parts.end()) {
        const Octets last = nested_octets(end->second, NFTA_DATA_VALUE);
        key.insert(key.end(), last.begin(), last.end());
    }
    return key;
}

/// Where an element of a map sends the packet.
std::string chain_of(NftOctets element) {
    const Octets data = nested_octets(element, NFTA_SET_ELEM_DATA);
    return name_in(nested_octets(data, NFTA_DATA_VERDICT), NFTA_VERDICT_CHAIN);
}

/// One transaction of one socket, done on a copy of the tables.
class Transaction {
public:
    Transaction(Tables& tables, std::uint32_t port, bool knows_owners, std::uint64_t& last_handle)
        : tables_(tables), port_(port), knows_owners_(knows_owners), last_handle_(last_handle) {}

    /// The error, or 0.
    int take(const NftRequest& request) {
        const std::string name = name_in(request.value(NFTA_TABLE_NAME));
        const auto found = tables_.find(name);
        if (found != tables_.end() && found->second.owner != 0 && found->second.owner != port_) {
            return EPERM;
        }
        if (request.type == NFT_MSG_NEWTABLE) {
            return found == tables_.end() ? add_table(name, request) : 0;
        }
        if (found == tables_.end()) {
            return ENOENT;
        }
        if (request.type == NFT_MSG_DELTABLE) {
            tables_.erase(found);
            return 0;
        }
        return change(found->second, request);
    }

private:
    static constexpr std::uint32_t owner_flags = NFT_TABLE_F_OWNER | NFT_TABLE_F_PERSIST;

    int add_table(const std::string& name, const NftRequest& request) {
        const auto flags = big_endian(request.value(NFTA_TABLE_FLAGS));
        if ((flags & ~(knows_owners_ ? owner_flags : 0U)) != 0) {
            return EOPNOTSUPP;
        }
        Table table;
        const auto comment = request.value(NFTA_TABLE_USERDATA);
        table.definition.assign(comment.begin(), comment.end());
        table.owner = (flags & NFT_TABLE_F_OWNER) != 0 ? port_ : 0;
        table.handle = ++last_handle_;
        tables_[name] = std::move(table);
        return 0;
    }

    /// Each of these names its table in the same attribute, and what it is about in another.
    static int change(Table& table, const NftRequest& request) {
        switch (request.type) {
        case NFT_MSG_NEWCHAIN:
            table.chains.try_emplace(name_in(request.value(NFTA_CHAIN_NAME)),
                                     Chain{definition(request), {}});
            return 0;
        case NFT_MSG_DELCHAIN: return delete_chain(table, name_in(request.value(NFTA_CHAIN_NAME)));
        case NFT_MSG_NEWRULE: return add_rule(table, request);
        case NFT_MSG_NEWOBJ: {
            const auto data = netns::read_attributes(request.value(NFTA_OBJ_DATA));
            table.counters.try_emplace(name_in(request.value(NFTA_OBJ_NAME)),
                                       big_endian(data.at(NFTA_COUNTER_PACKETS)),
                                       big_endian(data.at(NFTA_COUNTER_BYTES)));
            return 0;
        }
        case NFT_MSG_NEWSET:
            table.sets.try_emplace(name_in(request.value(NFTA_SET_NAME)),
                                   Set{definition(request), {}});
            return 0;
        case NFT_MSG_NEWSETELEM:
        case NFT_MSG_DELSETELEM: return change_elements(table, request);
        default: return EINVAL;
        }
    }

    using Chain = FakeNftables::Chain;
    using Set = FakeNftables::Set;

    /// Without the table's name.
    static Octets definition(const NftRequest& request) {
        return request.copy_behind(request.value(NFTA_TABLE_NAME));
    }

    static int delete_chain(Table& table, const std::string& name) {
        for (const auto& [key, set] : table.sets) {
            if (std::ranges::contains(set.elements | std::views::values, name, chain_of)) {
                return EBUSY;
            }
        }
        return table.chains.erase(name) == 0 ? ENOENT : 0;
    }

    static int add_rule(Table& table, const NftRequest& request) {
        const auto chain = table.chains.find(name_in(request.value(NFTA_RULE_CHAIN)));
        if (chain == table.chains.end()) {
            return ENOENT;
        }
        for (const NftOctets expression : entries_of(request.value(NFTA_RULE_EXPRESSIONS))) {
            const auto kind = name_in(expression, NFTA_EXPR_NAME);
            const Octets data = nested_octets(expression, NFTA_EXPR_DATA);
            if ((kind == "lookup" && !table.sets.contains(name_in(data, NFTA_LOOKUP_SET))) ||
                (kind == "objref" &&
                 !table.counters.contains(name_in(data, NFTA_OBJREF_IMM_NAME)))) {
                return ENOENT;
            }
        }
        chain->second.rules.push_back(definition(request));
        return 0;
    }

    static int change_elements(Table& table, const NftRequest& request) {
        const auto found = table.sets.find(name_in(request.value(NFTA_SET_ELEM_LIST_SET)));
        if (found == table.sets.end()) {
            return ENOENT;
        }
        auto& elements = found->second.elements;
        for (const NftOctets element : entries_of(request.value(NFTA_SET_ELEM_LIST_ELEMENTS))) {
            const Octets key = element_key(element);
            if (request.type == NFT_MSG_DELSETELEM) {
                if (elements.erase(key) == 0) {
                    return ENOENT;
                }
                continue;
            }
            const bool is_range = netns::read_attributes(element).contains(NFTA_SET_ELEM_KEY_END);
            if (is_range && std::ranges::any_of(elements | std::views::keys, [&](const auto& old) {
                    return overlap(old, key);
                })) {
                return EEXIST;
            }
            if (const auto chain = chain_of(element);
                !chain.empty() && !table.chains.contains(chain)) {
                return ENOENT;
            }
            elements.emplace(key, Octets(element.begin(), element.end()));
        }
        return 0;
    }

    Tables& tables_;
    std::uint32_t port_;
    bool knows_owners_;
    std::uint64_t& last_handle_;
};

/// What matches while one takes the place of the other.
Tables matching_between(const Tables& before, Tables after) {
    for (auto& [name, table] : after) {
        const auto old = before.find(name);
        const bool is_new = old == before.end() || old->second.handle != table.handle;
        for (auto& [set_name, set] : table.sets) {
            std::erase_if(set.elements, [&](const auto& element) {
                return is_new || !old->second.sets.at(set_name).elements.contains(element.first);
            });
        }
    }
    return after;
}

bool begins_transaction(const NetlinkMessage& message) {
    return netns::read_fixed<nlmsghdr>(message.octets())->nlmsg_type == NFNL_MSG_BATCH_BEGIN;
}

std::unexpected<SystemError> refused_as(const NetlinkMessage& request, int code) {
    return std::unexpected(SystemError{code, request.description(), {}});
}

} // namespace

bool FakeNftables::Table::takes(const std::string& set, NftOctets source,
                                NftOctets destination) const {
    Octets octets(source.begin(), source.end());
    octets.insert(octets.end(), destination.begin(), destination.end());
    const PairKey key(octets);
    const auto found = sets.find(set);
    return found != sets.end() &&
           std::ranges::any_of(found->second.elements | std::views::keys, [&](const auto& range) {
               const auto [start, end] = ends_of(range);
               return start.is_at_most(key) && key.is_at_most(end);
           });
}

class FakeNftables::Socket : public netns::NetlinkExchange {
public:
    Socket(FakeNftables& kernel, std::uint32_t port) : kernel_(kernel), port_(port) {}
    ~Socket() override {
        for (auto& [name, table] : kernel_.tables) {
            table.owner = table.owner == port_ ? 0 : table.owner;
        }
    }

    std::vector<NetlinkAnswer> exchange(std::span<NetlinkMessage> messages) override {
        return messages.empty() ? std::vector<NetlinkAnswer>() : kernel_.take(messages, port_);
    }
    std::expected<void, SystemError> dump(NetlinkMessage request,
                                          const std::function<void(NftOctets)>& /*each*/) override {
        return refused_as(request, EOPNOTSUPP);
    }
    std::uint32_t port() const override { return port_; }

private:
    FakeNftables& kernel_;
    std::uint32_t port_;
};

std::unique_ptr<netns::NetlinkExchange> FakeNftables::socket() {
    return std::make_unique<Socket>(*this, ++last_port_);
}

std::vector<NetlinkAnswer> FakeNftables::take(std::span<NetlinkMessage> messages,
                                              std::uint32_t port) {
    if (refusal.takes_whole(messages)) {
        return std::vector<NetlinkAnswer>(messages.size(),
                                          refused_as(messages.front(), refusal.error()));
    }
    if (begins_transaction(messages.front())) {
        return run(messages, port);
    }
    std::vector<NetlinkAnswer> answers;
    for (const NetlinkMessage& question : messages) {
        const int code = refusal.take(question);
        answers.push_back(code == 0 ? answer(question) : refused_as(question, code));
    }
    return answers;
}

std::vector<NetlinkAnswer> FakeNftables::run(std::span<NetlinkMessage> transaction,
                                             std::uint32_t port) {
    Tables after = tables;
    std::vector<NetlinkAnswer> answers(transaction.size());
    Transaction changes(after, port, knows_owners, last_handle_);
    bool whole = true;
    for (std::size_t i = 0; i < transaction.size(); ++i) {
        const NetlinkMessage& message = transaction[i];
        const bool is_border = i == 0 || i + 1 == transaction.size();
        // Of the borders none is acknowledged; a transaction's own failure is its first message's.
        const std::size_t reported = is_border ? 0 : i;
        const int refused_with = refusal.take(transaction[reported]);
        const bool is_done = refused_with == 0 || refusal.does_all_the_same();
        const int code = is_border || !is_done ? 0 : changes.take(NftRequest(message));
        unknown_owners += code == EOPNOTSUPP ? 1U : 0U;
        whole = whole && is_done && code == 0;
        if (const bool is_silent = is_border && is_done; !is_silent && (refused_with | code) != 0) {
            answers[reported] =
                refused_as(transaction[reported], refused_with != 0 ? refused_with : code);
        }
    }
    if (whole) {
        at_commit(matching_between(tables, after));
        tables = std::move(after);
    }
    return answers;
}

NetlinkAnswer FakeNftables::answer(const NetlinkMessage& question) const {
    const NftRequest request(question);
    const auto table = tables.find(name_in(request.value(NFTA_TABLE_NAME)));
    if (table == tables.end()) {
        return refused_as(question, ENOENT);
    }
    if (request.type == NFT_MSG_GETCHAIN) {
        return table->second.chains.contains(name_in(request.value(NFTA_CHAIN_NAME)))
                   ? NetlinkAnswer()
                   : refused_as(question, ENOENT);
    }
    if (request.type == NFT_MSG_GETOBJ) {
        const auto name = name_in(request.value(NFTA_OBJ_NAME));
        const auto counter = table->second.counters.find(name);
        if (counter == table->second.counters.end()) {
            return refused_as(question, ENOENT);
        }
        const auto told = netns::nft::add_counter(table->first, name, counter->second);
        return Botan::secure_vector<std::uint8_t>(told.octets().begin(), told.octets().end());
    }
    return request.type == NFT_MSG_GETTABLE ? NetlinkAnswer() : refused_as(question, EOPNOTSUPP);
}

} // namespace viaduct::test
