/* SPDX-License-Identifier: ISC */
/* The index of clients' certificates: whatever is taken comes out the same when written and read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certd/client_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client_index index, again;
	struct error err;
	size_t length;
	char *text;

	if (client_index_parse((const char *)data, size, &index, &err) == -1)
		return 0;
	text = client_index_format(&index, &length, &err);
	if (text == NULL || client_index_parse(text, length, &again, &err) == -1 ||
	    again.crl != index.crl || again.count != index.count ||
	    (index.count > 0 &&
	     memcmp(again.list, index.list, index.count * sizeof(*index.list)) != 0))
		abort();
	client_index_free(&again);
	free(text);
	client_index_free(&index);
	return 0;
}
