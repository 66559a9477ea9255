/* SPDX-License-Identifier: ISC */
/* What the sender reads. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "common/xtext.h"
#include "worker/queue/report.h"
#include "worker/queue/report_parts.h"

#define DATE_SIZE 64
#define BOUNDARY_SIZE 64

static const struct {
	const char *subject;
	const char *action; /* RFC 3464 2.3.3 */
	const char *begin;  /* before the recipients */
	const char *end;    /* behind them */
} kinds[REPORT_ACTIONS] = {
    [REPORT_FAILED] = {"Undelivered mail returned to sender", "failed",
		       "Your message could not be delivered to", "It is not tried any more. "},
    [REPORT_DELAYED] = {"Delayed mail: it is still being tried", "delayed",
			"Your message has not been delivered yet to",
			"There is nothing that you need to do: it is tried again and again. If it "
			"can't be\r\ndelivered by then, you are told."},
    [REPORT_DELIVERED] = {"Delivered: your mail has arrived", "delivered",
			  "Your message has been delivered, as you wished to know, to", ""},
    [REPORT_RELAYED] = {"Relayed: your mail has left for its recipient", "relayed",
			"Your message has been taken by a mail server that reports no further, for",
			""},
};

static const char *
date(int64_t seconds, char out[DATE_SIZE])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, DATE_SIZE, "%a, %d %b %Y %H:%M:%S +0000", &tm) == 0)
		strlcpy(out, "Thu, 01 Jan 1970 00:00:00 +0000", DATE_SIZE);
	return out;
}

static void
add_header(FILE *out, const struct report_facts *facts, const char *boundary, bool eight_bit)
{
	const struct report *report = facts->report;
	char when[DATE_SIZE];

	fprintf(out, "From: Mail Delivery System <postmaster@%s>\r\n", facts->hostname);
	fprintf(out, "To: <%s>\r\n", facts->sender);
	fprintf(out, "Subject: %s\r\n", kinds[report->action].subject);
	fprintf(out, "Date: %s\r\n", date((int64_t)facts->now, when));
	fprintf(out, "Message-ID: <report.%016" PRIx64 ".%" PRIu32 ".%" PRId64 "@%s>\r\n",
		report->message, report->recipients[0].index, (int64_t)facts->now, facts->hostname);
	fprintf(out, "Auto-Submitted: auto-replied\r\n"); /* RFC 3834 5 */
	fprintf(out, "MIME-Version: 1.0\r\n");
	if (eight_bit) /* RFC 2045 6.4: what is around a part says at least what the part does */
		fprintf(out, "Content-Transfer-Encoding: 8bit\r\n");
	fprintf(out,
		"Content-Type: multipart/report; report-type=delivery-status;\r\n"
		"\tboundary=\"%s\"\r\n\r\n",
		boundary);
}

/* -- Whether it comes along ------------------------------------------------------------------ */

/* RFC 3461 4.3 of failures only; RFC 8689 5. */
static bool
wants_content(const struct mail_parameters *parameters, enum report_action action)
{
	return action == REPORT_FAILED && parameters->ret == DSN_RETURN_FULL &&
	       (parameters->flags & MAIL_REQUIRETLS) == 0;
}

static bool
comes_whole(const struct report_facts *facts)
{
	return facts->whole && wants_content(facts->parameters, facts->report->action) &&
	       report_is_lines(facts->content, facts->length);
}

/* -- The words ----------------------------------------------------------------------------- */

/* What the host said, as it came (RFC 3461 9.2). */
static void
add_reply(FILE *out, const struct report_recipient *recipient)
{
	fprintf(out, "%u%s%s", recipient->code, recipient->enhanced[0] != '\0' ? " " : "",
		recipient->enhanced);
	fprintf(out, "%s%s", recipient->text[0] != '\0' ? " " : "", recipient->text);
}

static void
add_reason(FILE *out, enum report_action action, const struct report_recipient *recipient)
{
	fprintf(out, "  <%s>\r\n\r\n", recipient->path);
	if (action == REPORT_DELIVERED)
		return;
	if (recipient->expired)
		fprintf(out, "It was tried again and again, until its time was over. The last time"
			     "\r\n");
	if (recipient->said) {
		fprintf(out, "the mail server %s said:\r\n\r\n  ", recipient->host);
		add_reply(out, recipient);
	} else if (recipient->host[0] != '\0') {
		fprintf(out, "the reason, with the mail server %s, was:\r\n\r\n  %s",
			recipient->host, recipient->text);
	} else {
		fprintf(out, "the reason was:\r\n\r\n  %s", recipient->text);
	}
	fprintf(out, "\r\n\r\n");
}

/* What add_original() will have put there. */
static const char *
below(const struct report_facts *facts)
{
	if (facts->report->action == REPORT_DELAYED)
		return "";
	return comes_whole(facts) ? "Your message is below."
				  : "The header of your message is below.";
}

static void
add_words(FILE *out, const struct report_facts *facts)
{
	const struct report *report = facts->report;
	char when[DATE_SIZE];

	fprintf(out, "This is the mail server %s.\r\n\r\n%s\r\n\r\n", facts->hostname,
		kinds[report->action].begin);
	for (size_t i = 0; i < report->count; i++)
		add_reason(out, report->action, &report->recipients[i]);
	if (report->action == REPORT_DELAYED)
		fprintf(out, "It is tried until %s.\r\n\r\n",
			date(facts->received + facts->expire, when));
	fprintf(out, "%s%s\r\n", kinds[report->action].end, below(facts));
}

/* -- The fields for programs (RFC 3464 2) ----------------------------------------------------- */

/* "type; address": WIDE, as it is (RFC 6533 4.1), else in ASCII. */
static void
add_address(FILE *out, const char *field, const char *type, const char *address, bool wide)
{
	char ascii[8 * PATH_SIZE];

	if (!wide && has_utf8(address) && unitext_encode(address, ascii, sizeof(ascii)) != -1)
		address = ascii;
	fprintf(out, "%s: %s; %s\r\n", field, type, address);
}

/* RFC 3461 9.3: an address, which is no name, is a literal (RFC 5321 4.1.3). */
static void
add_remote(FILE *out, const char *host)
{
	unsigned char address[16];
	const char *before = "", *after = "";

	if (inet_pton(AF_INET, host, address) == 1)
		before = "[", after = "]";
	else if (inet_pton(AF_INET6, host, address) == 1)
		before = "[IPv6:", after = "]";
	fprintf(out, "Remote-MTA: dns; %s%s%s\r\n", before, host, after);
}

/* RFC 3464 2.3.6: a Remote-MTA is who has said what the Diagnostic-Code has. */
static void
add_diagnostic(FILE *out, const struct report_recipient *recipient)
{
	if (recipient->said) {
		add_remote(out, recipient->host);
		fprintf(out, "Diagnostic-Code: smtp; ");
		add_reply(out, recipient);
		fprintf(out, "\r\n");
	} else if (recipient->text[0] != '\0') {
		fprintf(out, "Diagnostic-Code: x-postern; %s\r\n", recipient->text);
	}
}

static void
add_recipient(FILE *out, const struct report_facts *facts, const struct report_recipient *recipient,
	      bool wide)
{
	enum report_action action = facts->report->action;
	size_t type = strcspn(recipient->orcpt, ";");
	char name[ORCPT_SIZE], when[DATE_SIZE];

	fprintf(out, "\r\n");
	if (recipient->orcpt[0] != '\0' && recipient->orcpt[type] == ';') {
		(void)snprintf(name, sizeof(name), "%.*s", (int)type, recipient->orcpt);
		add_address(out, "Original-Recipient", name, recipient->orcpt + type + 1, wide);
	}
	add_address(out, "Final-Recipient", has_utf8(recipient->path) ? "utf-8" : "rfc822",
		    recipient->path, wide);
	fprintf(out, "Action: %s\r\nStatus: %s\r\n", kinds[action].action, recipient->status);
	add_diagnostic(out, recipient);
	fprintf(out, "Last-Attempt-Date: %s\r\n", date((int64_t)facts->now, when));
	if (action == REPORT_DELAYED)
		fprintf(out, "Will-Retry-Until: %s\r\n",
			date(facts->received + facts->expire, when));
}

static void
add_status(FILE *out, const struct report_facts *facts, bool wide)
{
	const struct report *report = facts->report;
	char when[DATE_SIZE];

	if (facts->parameters->envid[0] != '\0')
		fprintf(out, "Original-Envelope-Id: %s\r\n", facts->parameters->envid);
	fprintf(out, "Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n", facts->hostname,
		date(facts->received, when));
	for (size_t i = 0; i < report->count; i++)
		add_recipient(out, facts, &report->recipients[i], wide);
}

/* -- What it is about -------------------------------------------------------------------------- */

size_t
report_content_size(const struct mail_parameters *parameters, enum report_action action,
		    uint64_t size)
{
	if (wants_content(parameters, action) && size <= REPORT_CONTENT_MAX)
		return (size_t)size;
	return size < REPORT_HEADER_MAX ? (size_t)size : REPORT_HEADER_MAX;
}

/* Whole lines, up to and with the last before the empty one. */
static size_t
header_length(const struct report_facts *facts)
{
	const char *end = memmem(facts->content, facts->length, "\r\n\r\n", 4);
	size_t length = facts->length;

	if (end != NULL)
		return (size_t)(end - facts->content) + 2;
	while (length > 0 && facts->content[length - 1] != '\n')
		length--;
	return length;
}

/* What is no ASCII, and not said to be UTF-8, has no place in a 7-bit part. */
static void
add_plain_header(FILE *out, const char *boundary, const char *header, size_t length)
{
	char *copy = malloc(length + 1);

	if (copy == NULL)
		return;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)header[i];

		copy[i] = (char)(c == '\0' || c > 0x7e ? '?' : c);
	}
	report_part_as_is(out, boundary, "text/rfc822-headers", copy, length);
	free(copy);
}

static bool
has_wide_header(const struct report_facts *facts)
{
	size_t length = header_length(facts);

	return (facts->parameters->flags & MAIL_SMTPUTF8) != 0 &&
	       !report_is_seven_bit(facts->content, length) &&
	       u8_check((const uint8_t *)facts->content, length) == NULL;
}

/* RFC 2046 5.2.1: message/rfc822 can't be encoded, message/global can. */
static bool
is_eight_bit(const struct report_facts *facts)
{
	return comes_whole(facts) && !has_wide_header(facts) &&
	       !report_is_seven_bit(facts->content, facts->length);
}

static void
add_original(FILE *out, const struct report_facts *facts, const char *boundary)
{
	size_t length = header_length(facts);
	bool utf8 = has_wide_header(facts);

	if (comes_whole(facts)) {
		if (utf8)
			report_part(out, boundary, "message/global", facts->content, facts->length);
		else
			report_part_as_is(out, boundary, "message/rfc822", facts->content,
					  facts->length);
	} else if (utf8) {
		report_part(out, boundary, "message/global-headers", facts->content, length);
	} else {
		add_plain_header(out, boundary, facts->content, length);
	}
}

/* -- All of it --------------------------------------------------------------------------------- */

/* Whether a recipient needs the types of RFC 6533. */
static bool
is_wide(const struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		if (has_utf8(report->recipients[i].path) || has_utf8(report->recipients[i].orcpt))
			return true;
	}
	return false;
}

static int
add_parts(FILE *out, const struct report_facts *facts, const char *boundary)
{
	bool wide = is_wide(facts->report);
	const char *words_type =
	    wide ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii";
	char *words = NULL, *status = NULL;
	size_t words_length = 0, status_length = 0;
	FILE *first = open_memstream(&words, &words_length);
	FILE *second = open_memstream(&status, &status_length);
	int result = first != NULL && second != NULL ? 0 : -1;

	if (result == 0) {
		add_words(first, facts);
		add_status(second, facts, wide);
	}
	if ((first != NULL && fclose(first) != 0) || (second != NULL && fclose(second) != 0))
		result = -1;
	if (result == 0) {
		report_part(out, boundary, words_type, words, words_length);
		report_part(out, boundary,
			    wide ? "message/global-delivery-status" : "message/delivery-status",
			    status, status_length);
		add_original(out, facts, boundary);
		fprintf(out, "--%s--\r\n", boundary);
	}
	free(words);
	free(status);
	return result;
}

char *
report_text(const struct report_facts *facts, size_t *length, enum body_type *type)
{
	bool eight_bit = is_eight_bit(facts);
	char boundary[BOUNDARY_SIZE];
	char *text = NULL;
	FILE *out = open_memstream(&text, length);
	int result;

	if (out == NULL)
		return NULL;
	/* Of an id that nobody outside could know when he wrote the message. */
	(void)snprintf(boundary, sizeof(boundary), "=_%016" PRIx64 ".%" PRIu32 ".%" PRId64,
		       facts->report->message, facts->report->recipients[0].index,
		       (int64_t)facts->now);
	add_header(out, facts, boundary, eight_bit);
	*type = eight_bit ? BODY_8BITMIME : BODY_7BIT;
	result = add_parts(out, facts, boundary);
	if (fclose(out) == 0 && result == 0)
		return text;
	free(text);
	return NULL;
}
