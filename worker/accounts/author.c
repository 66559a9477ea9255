/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "worker/accounts/author.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/address.h"
#include "common/idn.h"
#include "common/mime/authors.h"

/* Most headers are shorter. */
#define FIRST_READ 16384

struct check {
	const struct resolver *resolver;
	const struct account *account;
	char *foreign;
};

/* The address as a Mailbox, U-labels as A-labels; false if it is none. */
static bool
make_mailbox(const char *local, const char *domain, char out[ADDRESS_TEXT_SIZE])
{
	struct address address;
	struct error err;

	if (strlcpy(address.local, local, sizeof(address.local)) >= sizeof(address.local) ||
	    idn_to_ascii(domain, address.domain, &err) == -1)
		return false;
	(void)address_format(&address, out, ADDRESS_TEXT_SIZE);
	return true;
}

static bool
check_one(const char *local, const char *domain, void *arg)
{
	const struct check *check = arg;
	char text[ADDRESS_TEXT_SIZE];

	if (domain[0] != '\0' && make_mailbox(local, domain, text) &&
	    resolve_sender(check->resolver, check->account, text, strlen(text)))
		return true;
	(void)snprintf(check->foreign, PATH_SIZE, "%s%s%s", local, domain[0] == '\0' ? "" : "@",
		       domain);
	return false;
}

enum author_verdict
author_check(const struct resolver *resolver, const struct account *account, const char *bytes,
	     size_t length, bool whole, char foreign[PATH_SIZE])
{
	static const enum author_verdict verdicts[] = {
	    [AUTHORS_FINE] = AUTHOR_OWN,
	    [AUTHORS_STOPPED] = AUTHOR_FOREIGN,
	    [AUTHORS_MISSING] = AUTHOR_MISSING,
	    [AUTHORS_TWICE] = AUTHOR_TWICE,
	    [AUTHORS_BAD_FIELD] = AUTHOR_BAD_FIELD,
	    [AUTHORS_BAD_HEADER] = AUTHOR_BAD_HEADER,
	    [AUTHORS_CUT] = AUTHOR_LONG_HEADER,
	};
	struct check check = {resolver, account, foreign};

	foreign[0] = '\0';
	return verdicts[authors_read(bytes, length, whole, check_one, &check)];
}

/* Up to LENGTH bytes from the start. -1 with errno. */
static ssize_t
read_begin(int fd, char *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = pread(fd, bytes + done, length - done, (off_t)done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static enum author_verdict
check_begin(const struct resolver *resolver, const struct account *account, int fd, size_t size,
	    char foreign[PATH_SIZE])
{
	enum author_verdict verdict = AUTHOR_UNAVAILABLE;
	char *bytes = malloc(size);
	ssize_t length = bytes == NULL ? -1 : read_begin(fd, bytes, size);

	if (length >= 0)
		verdict = author_check(resolver, account, bytes, (size_t)length,
				       (size_t)length < size, foreign);
	free(bytes);
	return verdict;
}

enum author_verdict
author_check_file(const struct resolver *resolver, const struct account *account, int fd,
		  char foreign[PATH_SIZE])
{
	enum author_verdict verdict = check_begin(resolver, account, fd, FIRST_READ, foreign);

	if (verdict == AUTHOR_LONG_HEADER)
		verdict = check_begin(resolver, account, fd, AUTHOR_HEADER_MAX + 1, foreign);
	return verdict;
}
