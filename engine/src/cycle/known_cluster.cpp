#include "cycle/known_cluster.hpp"

#include "memory/documents.hpp"

#include <utility>

namespace deployer {

KnownCluster::KnownCluster(std::shared_ptr<Target> target, std::shared_ptr<Cache> cache, EventStream& events)
    : target_(std::move(target)), cache_(std::move(cache)), events_(events) {}

void KnownCluster::identify() {
    identity_ = target_->identity();
}

void KnownCluster::load(const Calls& calls) {
    if (!is_loaded()) reload(calls);
}

void KnownCluster::reload(const Calls& calls) {
    if (!snapshot_is_trusted_ || !load_snapshot(calls)) list(calls);
}

void KnownCluster::list_for_drift(const Calls& calls) {
    list(calls);
    is_listed_for_drift_ = true;
}

void KnownCluster::settle(const Calls& calls) {
    if (is_settled_) return;
    cache_->store(snapshot_key(), write_snapshot(*actual_, *identity_), calls.make());
    snapshot_is_trusted_ = true;
    is_settled_ = true;
}

void KnownCluster::forget(const Calls& calls) {
    actual_.reset();
    // If erasing throws, the snapshot may still exist, so it is no longer trusted.
    snapshot_is_trusted_ = false;
    cache_->erase(snapshot_key(), calls.make());
    snapshot_is_trusted_ = true;
}

bool KnownCluster::load_snapshot(const Calls& calls) {
    const auto document = cache_->load(snapshot_key(), calls.make());
    if (!document) return false;
    actual_ = read_snapshot(*document, *identity_);
    if (!actual_) {
        calls.log.warning("the cached snapshot of the cluster is not usable, so the cluster is listed again");
        return false;
    }
    // The age of the snapshot is unknown. The next listing that looks for manual changes is due one interval from now.
    listed_at_ = Clock::now();
    is_settled_ = true;
    return true;
}

void KnownCluster::list(const Calls& calls) {
    actual_ = actual_from(target_->list(calls.make()));
    listed_at_ = Clock::now();
    is_settled_ = false;
    is_listed_for_drift_ = false;
    events_.publish(TargetListed{actual_->units.size()});
}

std::string KnownCluster::snapshot_key() const {
    return document_key(snapshot_document, *identity_);
}

}  // namespace deployer
