/* SPDX-License-Identifier: ISC */
/* What an HTTPS server answers: the same in one piece and octet by octet, and within bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/relay/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_response whole, pieces;
	enum http_result result, other = HTTP_MORE;

	http_start(&whole);
	http_start(&pieces);
	result = http_feed(&whole, (const char *)data, size);
	for (size_t i = 0; i < size && other == HTTP_MORE; i++)
		other = http_feed(&pieces, (const char *)data + i, 1);
	if (result == HTTP_MORE && other == HTTP_MORE) {
		result = http_end(&whole, true);
		other = http_end(&pieces, true);
	}
	if (result != other || result == HTTP_MORE || whole.length != pieces.length ||
	    whole.length > HTTP_BODY_MAX || memcmp(whole.body, pieces.body, whole.length) != 0)
		abort();
	if (result == HTTP_BAD && whole.why == NULL)
		abort();
	if (result == HTTP_DONE && whole.code != 200)
		abort();
	return 0;
}
