/* SPDX-License-Identifier: ISC */
/*
 * A filter that says anything of an envelope. What queue takes are addresses, in bounds, and
 * nothing that was not allowed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "worker/queue/check_envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECIPIENTS 7
#define HEAD 6 /* octets before the tail */

static void
must(int condition)
{
	if (!condition)
		abort();
}

static void
must_be_path(const char *path, bool utf8)
{
	struct address address;

	must(strlen(path) < PATH_SIZE && (utf8 || !has_utf8(path)));
	must(strcmp(path, "postmaster") == 0 ||
	     address_parse_utf8(path, strlen(path), &address) == ADDRESS_OK);
}

static void
look(const struct envelope_change *change, const struct qf_mail *mail, const char *end)
{
	const char *entry = change->added;
	struct envelope_added added;
	uint32_t at = 0, removed = 0;

	for (uint32_t i = 0; i < RECIPIENTS; i++)
		removed += check_envelope_removes(change, i, &at) ? 1 : 0;
	must(removed >= change->range_count);
	must(mail->envelope != FILTER_ENVELOPE_OFF && mail->kind != FILTER_OWN);
	if (change->sender != NULL) {
		must(mail->envelope == FILTER_ENVELOPE_ANYWHERE || mail->kind == FILTER_STRANGER);
		if (change->sender[0] != '\0')
			must_be_path(change->sender, mail->utf8 == 1);
	}
	for (uint32_t i = 0; i < change->added_count; i++) {
		entry = check_envelope_added(entry, &added);
		must_be_path(added.path, mail->utf8 == 1);
		must(notify_is_sound(added.notify));
		must(!added.anywhere || mail->envelope == FILTER_ENVELOPE_ANYWHERE);
		must(added.orcpt[0] == '\0' || orcpt_is_sound(added.orcpt, strlen(added.orcpt)));
	}
	must(entry == end);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t kinds[] = {FILTER_STRANGER, FILTER_SUBMITTER, FILTER_OWN};
	struct qf_envelope fixed = {.envid = "e"};
	struct envelope_change change;
	struct qf_mail mail = {.check = 1};
	char *tail;

	if (size < HEAD)
		return 0;
	mail.kind = kinds[data[0] % 3];
	mail.envelope = data[1] % FILTER_ENVELOPE_COUNT;
	mail.utf8 = data[1] >> 7;
	fixed.ranges = data[2];
	fixed.sender = data[3] & 3;
	fixed.parameters = (data[3] >> 2) & 3;
	fixed.ret = (data[3] >> 4) & 3;
	if (fixed.parameters == 0)
		fixed.envid[0] = '\0';
	fixed.added = data[4] | (uint32_t)data[5] << 8;
	size -= HEAD;
	/* Exactly as long as what came, and its NUL. */
	tail = malloc(size + 1);
	must(tail != NULL);
	memcpy(tail, data + HEAD, size);
	tail[size] = '\0';
	if (check_envelope_read(&fixed, tail, size, &mail, RECIPIENTS, &change))
		look(&change, &mail, tail + size);
	free(tail);
	return 0;
}
