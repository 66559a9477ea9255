/* SPDX-License-Identifier: ISC */
/* A message whose header has a chain, of anybody's making: a chain that can be one is whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/filter/arc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at(const struct arc *arc)
{
	for (size_t n = 0; n < arc->count; n++) {
		struct dkim_signature seal;
		uint8_t hash[DKIM_HASH_SIZE];
		char from[HOST_NAME_SIZE];

		for (int kind = 0; kind < ARC_FIELDS; kind++) {
			if (arc->sets[n].fields[kind] == NULL)
				abort();
		}
		if (arc_dmarc_passed(arc->sets[n].fields[ARC_RESULTS]->text.value, from) &&
		    from[0] == '\0')
			abort();
		if (dkim_signature_parse(arc->sets[n].fields[ARC_SEAL]->text.value, DKIM_ARC_SEAL,
					 &seal) == NULL)
			(void)arc_seal_hash(arc, n, &seal, hash);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message *message = message_new((const char *)data, -1, size);
	struct arc arc;

	if (message == NULL)
		return 0;
	if (arc_collect(message, &arc) == NULL)
		look_at(&arc);
	message_free(message);
	return 0;
}
