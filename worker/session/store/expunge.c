/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "worker/session/store/remove.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

struct order {
	const struct store_range *ranges;
	size_t range_count;
	bool only_deleted;
};

static enum store_result
expunge(struct store *store, int64_t folder, const struct order *order, struct ranges *removed,
	size_t *count, struct error *err)
{
	struct change change;
	enum store_result result = transaction_begin(store, err);

	if (result != STORE_OK)
		return result;
	result = change_begin(store, folder, &change, err);
	if (result == STORE_OK)
		result = remove_placements(store, &change, order->ranges, order->range_count,
					   order->only_deleted, removed, count, err);
	if (result == STORE_OK)
		result = change_end(store, &change, err);
	result = transaction_end(store, result, NULL, err);
	if (result == STORE_OK && removed->count > 0)
		(void)remove_doomed(store, false);
	return result;
}

enum store_result
store_expunge(struct store *store, int64_t folder, const uint32_t *uids, size_t count,
	      size_t *removed_count, struct error *err)
{
	struct ranges ranges = {0}, removed = {0};
	enum store_result result = STORE_OK;
	size_t n = 0;

	if (removed_count != NULL)
		*removed_count = 0;
	for (size_t i = 0; i < count && result == STORE_OK; i++)
		if (ranges_append(&ranges, uids[i], uids[i]) == -1) {
			error_errno(err, "expunge of %zu messages", count);
			result = STORE_TEMPORARY;
		}
	ranges.count = ranges_normalise(ranges.list, ranges.count);
	if (result == STORE_OK && count > 0)
		result = expunge(store, folder, &(struct order){ranges.list, ranges.count, false},
				 &removed, &n, err);
	if (result == STORE_OK && removed_count != NULL)
		*removed_count = n;
	free(ranges.list);
	free(removed.list);
	return result;
}

enum store_result
store_expunge_deleted(struct store *store, int64_t folder, const struct store_range *ranges,
		      size_t range_count, struct store_range **removed_out, size_t *removed_count,
		      struct error *err)
{
	struct order order = {ranges, range_count, true};
	struct ranges removed = {0};
	enum store_result result;
	size_t n;

	if (ranges == NULL)
		order = (struct order){&ranges_all, 1, true};
	result = expunge(store, folder, &order, &removed, &n, err);
	if (result != STORE_OK) {
		free(removed.list);
		removed = (struct ranges){0};
	}
	*removed_out = removed.list;
	*removed_count = removed.count;
	return result;
}
