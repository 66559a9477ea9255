/* SPDX-License-Identifier: ISC */
/*
 * A milter that changes anything of any mail: two octets of length, the mail (here LF is the end of
 * a line, and CR is nothing: lines are whole, as a gate writes them, and none continues the
 * Received field that a gate puts in front), and the milter's packets. The header that comes of it
 * reads as it was written, so that no value has become a field of its own or the end of the header;
 * and what is told of the envelope, queue believes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/filter/milter_edit.h"
#include "worker/filter/milter_envelope.h"
#include "worker/queue/check_envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char came[] = "a@test\0b@test\0B@test\0postmaster";
#define CAME 4
#define ROOM 1024 /* for a longer body */

static void
must(int condition)
{
	if (!condition)
		abort();
}

static void
ignore(void *context, bool done, const char *what, const char *address)
{
	(void)context;
	(void)done;
	must(what != NULL && address != NULL);
}

/* Of all that the milter is shown. */
static void
look(struct milter_edit *edit)
{
	struct milter_field field;

	for (size_t i = 0; milter_edit_field(edit, i, &field); i++) {
		must(field.name_length > 0);
		must(field.value_length == 0 || field.value[field.value_length - 1] != '\n');
	}
}

/* As many packets as there are; like milter_session.c, only changes, and none behind a bad one. */
static void
take_packets(struct milter_edit *edit, const char *bytes, size_t size)
{
	struct milter_reply reply;
	int32_t length;

	while ((length = milter_packet(bytes, size)) > 0) {
		if (milter_read_reply(bytes + 4, (size_t)length, &reply) == -1)
			return;
		if (milter_is_change(reply.type) && milter_edit_change(edit, &reply) == -1)
			return;
		bytes += 4 + length;
		size -= 4 + (size_t)length;
	}
}

static size_t
count(const struct message *message)
{
	const struct message_field *field = NULL;
	size_t fields = 0;

	while ((field = message_is(message, NULL, field)) != NULL)
		fields++;
	return fields;
}

static void
reads_as_it_was_written(const struct message *message)
{
	size_t header = message_header_size(message);
	size_t size = header + (size_t)message_body_size(message);
	char *out = malloc(size + 1);
	struct message *again;

	must(out != NULL && message_write(message, out));
	again = message_new(out, -1, size);
	must(again != NULL || errno == EMSGSIZE);
	if (again != NULL) {
		must(message_header_size(again) == header);
		must(count(again) == count(message));
	}
	message_free(again);
	free(out);
}

static void
change_envelope(const struct milter_edit *edit, const struct qf_mail *mail)
{
	const struct milter_rights rights = {.recipients = mail->envelope >= FILTER_ENVELOPE_HERE,
					     .anywhere = mail->envelope == FILTER_ENVELOPE_ANYWHERE,
					     .sender = mail->envelope == FILTER_ENVELOPE_ANYWHERE,
					     .utf8 = mail->utf8 == 1};
	struct milter_envelope *envelope = milter_envelope_new(came, CAME);
	static char tail[QF_ENVELOPE_MAX + 1];
	struct envelope_change change;
	struct qf_envelope fixed;
	size_t length, left = 0;
	char *list;

	must(envelope != NULL);
	if (milter_envelope_apply(envelope, &edit->changes, &rights, ignore, NULL) == 0 &&
	    milter_envelope_write(envelope, &fixed, tail, &length) == 1) {
		tail[length] = '\0';
		must(check_envelope_read(&fixed, tail, length, mail, CAME, &change));
	}
	list = milter_envelope_list(envelope);
	must(list != NULL);
	for (const char *p = list; *p != '\0'; p += strlen(p) + 1)
		left++;
	must(left == milter_envelope_count(envelope));
	free(list);
	milter_envelope_free(envelope);
}

static void
run(const char *mail, size_t mail_size, const char *packets, size_t size,
    const struct qf_mail *kind)
{
	struct message *message = message_new(mail, -1, mail_size);
	struct milter_edit edit;
	unsigned bad;

	if (message == NULL)
		return;
	must(milter_edit_open(&edit, message, mail_size + ROOM) == 0);
	look(&edit);
	take_packets(&edit, packets, size);
	change_envelope(&edit, kind);
	must(milter_edit_apply(&edit, &bad) == 0);
	reads_as_it_was_written(message);
	milter_edit_close(&edit);
	message_free(message);
}

/* Lines that end with CRLF; the first does not begin with a blank. Returns their length. */
static size_t
write_lines(const char *octets, size_t size, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		if (octets[i] == '\r')
			continue;
		if (octets[i] == '\n')
			out[n++] = '\r';
		out[n++] = octets[i];
	}
	if (out[0] == ' ' || out[0] == '\t')
		out[0] = 'x';
	out[n] = '\r';
	out[n + 1] = '\n';
	return n > 0 && out[n - 1] == '\n' ? n : n + 2;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *octets = (const char *)data;
	struct qf_mail kind = {.kind = FILTER_SUBMITTER};
	static char lines[2 * 8192 + 2];
	size_t mail;

	if (size < 3)
		return 0;
	kind.utf8 = data[0] >> 7;
	kind.envelope = (data[0] >> 5 & 3) % FILTER_ENVELOPE_COUNT;
	mail = (size_t)(data[0] & 31) << 8 | data[1];
	octets += 2;
	size -= 2;
	if (mail > 0 && mail <= size)
		run(lines, write_lines(octets, mail, lines), octets + mail, size - mail, &kind);
	return 0;
}
