// An IKE SA of either version, as the endpoint handles it.
#pragma once

#include "ike/v1/isakmp_sa.h"
#include "ike/v2/ike_sa.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace viaduct::ike {

class AnyIkeSa {
public:
    explicit AnyIkeSa(v1::IsakmpSa sa) : sa_(std::move(sa)) {}
    explicit AnyIkeSa(v2::IkeSa sa) : sa_(std::move(sa)) {}

    /// The SA in its own type.
    template <typename Visitor> decltype(auto) visit(Visitor&& visitor) const {
        return std::visit(std::forward<Visitor>(visitor), sa_);
    }
    /// Null for the other version.
    v1::IsakmpSa* as_v1() { return std::get_if<v1::IsakmpSa>(&sa_); }
    const v1::IsakmpSa* as_v1() const { return std::get_if<v1::IsakmpSa>(&sa_); }
    v2::IkeSa* as_v2() { return std::get_if<v2::IkeSa>(&sa_); }
    bool is_v1() const { return as_v1() != nullptr; }

    void adopt(ConnectionPtr connection) {
        std::visit([&](auto& sa) { sa.adopt(std::move(connection)); }, sa_);
    }
    std::optional<TimePoint> next_deadline() const {
        return visit([](const auto& sa) { return sa.next_deadline(); });
    }
    bool gone() const {
        return visit([](const auto& sa) { return sa.gone(); });
    }
    bool half_open() const {
        return visit([](const auto& sa) { return sa.half_open(); });
    }
    bool alive() const {
        return visit([](const auto& sa) { return sa.alive(); });
    }
    bool saying_goodbye() const {
        return visit([](const auto& sa) { return sa.saying_goodbye(); });
    }
    std::optional<TimePoint> established_at() const {
        return visit([](const auto& sa) { return sa.established_at(); });
    }
    std::string connection() const {
        return visit([](const auto& sa) { return std::string(sa.connection()); });
    }
    const IkeSaFacts& facts() const {
        return visit([](const auto& sa) -> const IkeSaFacts& { return sa.facts(); });
    }
    std::optional<IkeSaStatus> status() const {
        return visit([](const auto& sa) { return sa.status(); });
    }
    // Of an established SA.
    bool is_complete(TimePoint now,
                     const std::function<bool(const policy::ChildSelectors&)>& is_demanded) const {
        return visit([&](const auto& sa) { return sa.is_complete(now, is_demanded); });
    }
    bool carries_everything(
        const std::function<bool(const policy::ChildSelectors&)>& is_demanded) const {
        return visit([&](const auto& sa) { return sa.carries_everything(is_demanded); });
    }
    std::vector<policy::ChildSelectors> missing_children() const {
        return visit([](const auto& sa) { return sa.missing_children(); });
    }
    bool protects(const policy::ChildSelectors& selectors) const {
        return visit([&](const auto& sa) { return sa.protects(selectors); });
    }
    std::size_t child_count() const {
        return visit([](const auto& sa) { return sa.child_count(); });
    }
    bool is_confirmed() const {
        return visit([](const auto& sa) { return sa.is_confirmed(); });
    }
    Role first_role() const {
        return visit([](const auto& sa) { return sa.first_role(); });
    }
    const wire::Octets& lowest_nonce() const {
        return visit([](const auto& sa) -> const wire::Octets& { return sa.lowest_nonce(); });
    }

private:
    std::variant<v1::IsakmpSa, v2::IkeSa> sa_;
};

} // namespace viaduct::ike
