#include "daemon/xfrm_kernel.h"

#include "netns/firewall_table.h"
#include "xfrm/leftovers.h"
#include "xfrm/security_associations.h"

#include <fmt/format.h>

namespace viaduct::daemon {

namespace {

std::expected<void, std::string> in_words(const std::expected<void, netns::SystemError>& result) {
    return result.transform_error([](const auto& error) { return error.to_string(); });
}

std::expected<void, std::string> in_words(const std::expected<void, xfrm::KernelFailure>& result) {
    return result.transform_error([](const auto& failure) { return failure.to_string(); });
}

class XfrmKernel : public RouterKernel {
public:
    XfrmKernel(std::string router, const netns::NetworkNamespace& place,
               xfrm::SecurityAssociations associations, LogWriter& log)
        : router_(std::move(router)),
          place_(place),
          associations_(std::move(associations)),
          log_(log) {}

    std::expected<void, std::string> install_firewall(const policy::FirewallRules& rules) override {
        auto installed = in_words(netns::install_firewall_table(place_, rules));
        // Behind the guard and not before it: without an earlier run's policies its traffic would
        // leave in clear.
        if (installed && !leftovers_removed_) {
            leftovers_removed_ = true;
            remove_leftovers();
        }
        return installed;
    }
    std::expected<void, std::string> remove_firewall() override {
        return in_words(netns::remove_firewall_table(place_));
    }
    bool has_firewall() override { return netns::firewall_table_present(place_).value_or(true); }
    std::expected<void, std::string> install(const policy::ChildSa& child) override {
        return in_words(associations_.install(child));
    }
    std::expected<void, std::string> install_inbound(const policy::ChildSa& child) override {
        return in_words(associations_.install_inbound(child));
    }
    std::expected<void, std::string> install_outbound(const policy::ChildSa& child) override {
        return in_words(associations_.install_outbound(child));
    }
    std::expected<void, std::string> remove_outbound(policy::ChildSaId child) override {
        return in_words(associations_.remove_outbound(child));
    }
    std::expected<void, std::string>
    move(policy::ChildSaId child, const policy::UdpPath& path,
         const std::optional<policy::UdpEncapsulation>& encapsulation) override {
        return in_words(associations_.move(child, path, encapsulation));
    }
    std::expected<void, std::string> remove(policy::ChildSaId child) override {
        return in_words(associations_.remove(child));
    }
    void remove_all() override { associations_.remove_all(); }
    std::optional<policy::ChildSaCounters> counters(policy::ChildSaId child) override {
        auto counted = associations_.counters(child);
        return counted ? std::optional(*counted) : std::nullopt;
    }
    std::expected<void, std::string> begin_comparison() override {
        auto begun = associations_.compare(place_);
        if (!begun) {
            comparison_.reset();
            return std::unexpected(begun.error().to_string());
        }
        comparison_ = std::move(*begun);
        return {};
    }
    std::expected<std::optional<std::vector<KernelDrift>>, std::string>
    continue_comparison() override {
        const auto complete = comparison_->advance();
        if (!complete) {
            comparison_.reset();
            return std::unexpected(complete.error().to_string());
        }
        if (!*complete) {
            return std::nullopt;
        }
        std::vector<KernelDrift> drifts;
        for (auto& difference : comparison_->differences()) {
            const auto child = associations_.child_of(difference);
            drifts.push_back({std::move(difference), child});
        }
        comparison_.reset();
        return drifts;
    }
    std::expected<void, std::string> mend(const KernelDrift& drift) override {
        return in_words(associations_.mend(drift.difference));
    }

private:
    void remove_leftovers() {
        const auto removed = xfrm::remove_leftovers(place_);
        if (!removed) {
            log_.write(LogArea::xfrm, LogLevel::warn,
                       "what an earlier run left stays: " + removed.error().to_string(),
                       {.router = router_});
        } else if (removed->states + removed->policies > 0) {
            log_.write(LogArea::xfrm, LogLevel::info,
                       fmt::format("removed what an earlier run left: {} states, {} policies",
                                   removed->states, removed->policies),
                       {.router = router_});
        }
    }

    std::string router_;
    const netns::NetworkNamespace& place_;
    xfrm::SecurityAssociations associations_;
    LogWriter& log_;
    bool leftovers_removed_ = false;
    std::optional<xfrm::KernelComparison> comparison_;
};

} // namespace

std::expected<std::unique_ptr<RouterKernel>, std::string>
XfrmKernelSource::open(const std::string& router, const netns::NetworkNamespace& place) {
    auto associations = xfrm::SecurityAssociations::open(place);
    if (!associations) {
        return std::unexpected(associations.error().to_string());
    }
    return std::make_unique<XfrmKernel>(router, place, std::move(*associations), log_);
}

} // namespace viaduct::daemon
