/* SPDX-License-Identifier: ISC */
#include "certd/client_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/address.h"
#include "common/ascii.h"

#define FIELD_SIZE (ADDRESS_SIZE + 1) /* the longest, and room to see that it is too long */
#define FIELDS_MAX 6
#define YEAR_9999 253402300799 /* its last second */

static const char head[] =
    "# Certificates that this server's authority has issued to mail clients. postern-certd(8)\n"
    "# writes this file: see posternctl(8), cert clients and cert revoke.\n";

/* -- Values -------------------------------------------------------------------------- */

bool
client_account_valid(const char *account)
{
	struct address address;

	if (strnlen(account, ADDRESS_SIZE) >= ADDRESS_SIZE || account[0] == '"' ||
	    address_parse(account, strlen(account), &address) != ADDRESS_OK ||
	    address.domain[0] == '[')
		return false;
	for (; *account != '\0'; account++) {
		if (*account <= ' ' || *account > '~' || *account == '/' ||
		    (*account >= 'A' && *account <= 'Z'))
			return false;
	}
	return true;
}

bool
client_serial_valid(const char *serial)
{
	size_t length = strnlen(serial, CERT_SERIAL_SIZE);

	if (length < 2 || length >= CERT_SERIAL_SIZE || length % 2 != 0)
		return false;
	return strspn(serial, "0123456789ABCDEFabcdef") == length;
}

void
client_time_format(int64_t when, char out[CLIENT_TIME_SIZE])
{
	time_t seconds = (time_t)when;
	struct tm tm;

	if (when < 0 || when > YEAR_9999 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(out, CLIENT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strlcpy(out, "?", CLIENT_TIME_SIZE);
}

/* SIZE digits at *TEXT, then AFTER. */
static bool
number(const char **text, int size, char after, int *value)
{
	*value = 0;
	for (; size > 0; size--, (*text)++) {
		if (!ascii_is_digit(**text))
			return false;
		*value = *value * 10 + (**text - '0');
	}
	return *(*text)++ == after;
}

bool
client_time_parse(const char *text, int64_t *when)
{
	const char *at = text;
	char again[CLIENT_TIME_SIZE];
	struct tm tm = {.tm_isdst = 0};

	if (!number(&at, 4, '-', &tm.tm_year) || !number(&at, 2, '-', &tm.tm_mon) ||
	    !number(&at, 2, 'T', &tm.tm_mday) || !number(&at, 2, ':', &tm.tm_hour) ||
	    !number(&at, 2, ':', &tm.tm_min) || !number(&at, 2, 'Z', &tm.tm_sec) || *at != '\0')
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*when = timegm(&tm);
	/* timegm() takes a 31st of June for the 1st of July. */
	client_time_format(*when, again);
	return strcmp(again, text) == 0;
}

/* -- Reading ------------------------------------------------------------------------- */

struct line {
	char field[FIELDS_MAX][FIELD_SIZE];
	int count;
};

/* Separates at single blanks. False if there are too many fields, or one is empty or too long. */
static bool
split(const char *text, size_t length, struct line *line)
{
	const char *end = text + length;

	for (line->count = 0; line->count < FIELDS_MAX; line->count++) {
		const char *blank = memchr(text, ' ', (size_t)(end - text));
		size_t size = (size_t)((blank == NULL ? end : blank) - text);

		if (size == 0 || size >= FIELD_SIZE || memchr(text, '\0', size) != NULL)
			return false;
		memcpy(line->field[line->count], text, size);
		line->field[line->count][size] = '\0';
		if (blank == NULL) {
			line->count++;
			return true;
		}
		text = blank + 1;
	}
	return false;
}

/* Returns NULL, or what is wrong. */
static const char *
parse_cert(const struct line *line, struct cert_client *cert)
{
	const char *serial = line->field[1], *revoked = line->field[4], *account = line->field[5];

	*cert = (struct cert_client){.revoked = 0};
	if (line->count != 6)
		return "cert is followed by serial number, issued, until, revoked, account";
	if (!client_serial_valid(serial))
		return "not a serial number";
	if (!client_time_parse(line->field[2], &cert->issued) ||
	    !client_time_parse(line->field[3], &cert->until) ||
	    (strcmp(revoked, "-") != 0 &&
	     (!client_time_parse(revoked, &cert->revoked) || cert->revoked == 0)))
		return "not a time (as 2026-11-24T18:20:00Z)";
	if (!client_account_valid(account))
		return "not an account's address";
	strlcpy(cert->serial, serial, sizeof(cert->serial));
	strlcpy(cert->account, account, sizeof(cert->account));
	for (char *p = cert->serial; *p != '\0'; p++)
		*p = (char)(*p >= 'a' ? *p - 'a' + 'A' : *p);
	return NULL;
}

static const char *
parse_crl(const struct line *line, struct client_index *index)
{
	const char *text = line->field[1];

	if (line->count != 2 || strspn(text, "0123456789") != strlen(text) || strlen(text) > 18)
		return "crl is followed by a number";
	index->crl = strtoull(text, NULL, 10);
	return NULL;
}

/* Appends it as it is. */
static int
append(struct client_index *index, const struct cert_client *cert, struct error *err)
{
	if (index->count >= CLIENT_INDEX_MAX)
		return error_set(err,
				 "more than %d certificates: take the lines of some that have "
				 "expired out of certs/authority/index",
				 CLIENT_INDEX_MAX);
	if (index->count == index->room) {
		size_t room = index->room == 0 ? 16 : index->room * 2;
		struct cert_client *list = reallocarray(index->list, room, sizeof(*list));

		if (list == NULL)
			return error_errno(err, "the index of clients' certificates");
		index->list = list;
		index->room = room;
	}
	index->list[index->count++] = *cert;
	return 0;
}

static int
parse_line(const char *text, size_t length, bool *crl, struct client_index *index,
	   struct error *err)
{
	struct cert_client cert;
	struct line line;
	const char *why;

	if (length == 0 || text[0] == '#')
		return 0;
	if (!split(text, length, &line))
		why = "not what certd has written";
	else if (strcmp(line.field[0], "crl") == 0 && !*crl) {
		*crl = true;
		why = parse_crl(&line, index);
	} else if (strcmp(line.field[0], "cert") == 0) {
		why = parse_cert(&line, &cert);
		if (why == NULL && append(index, &cert, err) == -1)
			return -1;
	} else
		why = "begins with neither crl (once) nor cert";
	return why == NULL ? 0 : error_set(err, "%s", why);
}

int
client_index_parse(const char *text, size_t length, struct client_index *index, struct error *err)
{
	const char *at = text, *end = text + length;
	bool crl = false;

	*index = (struct client_index){.count = 0};
	for (unsigned number = 1; at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		/* A file that was cut off is not one with fewer revocations. */
		if (newline == NULL)
			error_set(err, "line %u has no end: the file is truncated", number);
		else if (parse_line(at, (size_t)(newline - at), &crl, index, err) == -1)
			error_prefix(err, "line %u", number);
		else {
			at = newline + 1;
			continue;
		}
		client_index_free(index);
		return -1;
	}
	if (crl)
		return 0;
	client_index_free(index);
	return error_set(err, "there is no line with crl and its number: the file is truncated");
}

void
client_index_free(struct client_index *index)
{
	free(index->list);
	*index = (struct client_index){.count = 0};
}

/* -- Writing ------------------------------------------------------------------------- */

char *
client_index_format(const struct client_index *index, size_t *length, struct error *err)
{
	char issued[CLIENT_TIME_SIZE], until[CLIENT_TIME_SIZE], revoked[CLIENT_TIME_SIZE];
	char *text = NULL;
	FILE *out = open_memstream(&text, length);
	bool failed;

	if (out == NULL) {
		error_errno(err, "the index of clients' certificates");
		return NULL;
	}
	fprintf(out, "%scrl %llu\n", head, (unsigned long long)index->crl);
	for (size_t i = 0; i < index->count; i++) {
		const struct cert_client *cert = &index->list[i];

		client_time_format(cert->issued, issued);
		client_time_format(cert->until, until);
		client_time_format(cert->revoked, revoked);
		fprintf(out, "cert %s %s %s %s %s\n", cert->serial, issued, until,
			cert->revoked == 0 ? "-" : revoked, cert->account);
	}
	failed = ferror(out) != 0;
	if (fclose(out) == EOF || failed) {
		free(text);
		error_set(err, "the index of clients' certificates: no memory");
		return NULL;
	}
	return text;
}

int
client_index_add(struct client_index *index, const struct cert_client *cert, struct error *err)
{
	for (size_t i = 0; i < index->count; i++) {
		if (strcasecmp(index->list[i].serial, cert->serial) == 0)
			return error_set(err, "the serial number %s has been given", cert->serial);
	}
	return append(index, cert, err);
}

size_t
client_index_revoke(struct client_index *index, const char *who, int64_t now)
{
	size_t count = 0;

	for (size_t i = 0; i < index->count; i++) {
		struct cert_client *cert = &index->list[i];
		bool meant = strchr(who, '@') != NULL
				 ? strcmp(cert->account, who) == 0 && cert->until > now
				 : strcasecmp(cert->serial, who) == 0;

		if (!meant || cert->revoked != 0)
			continue;
		cert->revoked = now;
		count++;
	}
	return count;
}
