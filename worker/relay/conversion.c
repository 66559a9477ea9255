/* SPDX-License-Identifier: ISC */
#include "worker/relay/conversion.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Larger ones are not mapped, and not converted. */
#define LENGTH_MAX (UINT64_C(1) << 30)

void
conversion_start(struct conversion *conversion, int fd, uint64_t length)
{
	*conversion = (struct conversion){.fd = fd, .length = length};
}

/* Whether the file has all of it: what is mapped behind a file's end can not be read. Without
 * fstat(2), which glibc makes a newfstatat(2), and relay's sandbox allows none. */
static bool
is_whole(const struct conversion *conversion)
{
	char last;

	return pread(conversion->fd, &last, sizeof(last), (off_t)conversion->length - 1) == 1;
}

/* Queue has sealed it: it neither shrinks nor changes while it is mapped. */
static enum seven_bit_verdict
make(struct conversion *conversion)
{
	enum seven_bit_verdict verdict;
	void *map;

	if (conversion->length == 0 || conversion->length > LENGTH_MAX || !is_whole(conversion))
		return SEVEN_BIT_NO_MEMORY;
	map = mmap(NULL, (size_t)conversion->length, PROT_READ, MAP_PRIVATE, conversion->fd, 0);
	if (map == MAP_FAILED)
		return SEVEN_BIT_NO_MEMORY;
	verdict = seven_bit_plan(&conversion->plan, map, (size_t)conversion->length);
	if (verdict == SEVEN_BIT_OK) {
		conversion->map = map;
		conversion->size = seven_bit_size(&conversion->plan);
	} else {
		(void)munmap(map, (size_t)conversion->length);
	}
	return verdict;
}

void
conversion_end(struct conversion *conversion)
{
	if (conversion->map == NULL)
		return;
	seven_bit_free(&conversion->plan);
	(void)munmap(conversion->map, (size_t)conversion->length);
	conversion->map = NULL;
}

bool
conversion_make(struct conversion *conversion, struct reply *reply)
{
	/* RFC 6531 3.7.4.2, RFC 3463 3.7 */
	static const struct {
		unsigned code;
		const char *status;
	} replies[SEVEN_BIT_VERDICTS] = {
	    [SEVEN_BIT_OK] = {250, "2.6.0"},        [SEVEN_BIT_HEADER] = {554, "5.6.9"},
	    [SEVEN_BIT_SIGNED] = {554, "5.6.3"},    [SEVEN_BIT_DKIM] = {554, "5.6.3"},
	    [SEVEN_BIT_ENCODED] = {554, "5.6.3"},   [SEVEN_BIT_COMPOSITE] = {554, "5.6.3"},
	    [SEVEN_BIT_NO_MEMORY] = {451, "4.3.0"},
	};

	if (!conversion->tried)
		conversion->verdict = make(conversion);
	conversion->tried = true;
	if (conversion->verdict == SEVEN_BIT_OK)
		return true;
	*reply = (struct reply){.code = replies[conversion->verdict].code};
	strlcpy(reply->status, replies[conversion->verdict].status, sizeof(reply->status));
	(void)snprintf(reply->text, sizeof(reply->text),
		       "the server takes 7-bit messages only, and this one can't be converted: %s",
		       seven_bit_why(conversion->verdict));
	return false;
}
