/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/catenate.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/ascii.h"
#include "worker/session/imap/content.h"

#define PART_DEPTH 100

/* An IMAP URL, taken apart (RFC 5092 11). */
struct url {
	char mailbox[STORE_NAME_MAX + 1]; /* "": the selected one */
	bool has_uidvalidity, has_partial;
	uint64_t uidvalidity, uid, offset, count;
	uint32_t part[PART_DEPTH];
	size_t part_count;
	enum mime_section section;
};

/*
 * -- The URL ----------------------------------------------------------------------
 */

/* RFC 3986 2.1, in place. False: a "%" that is none, or a NUL. */
static bool
decode_percent(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		int high, low;

		if (*text != '%') {
			*out++ = *text;
			continue;
		}
		high = ascii_hex_value(text[1]);
		low = high == -1 ? -1 : ascii_hex_value(text[2]);
		if (low == -1 || (high == 0 && low == 0))
			return false;
		*out++ = (char)(high * 16 + low);
		text += 2;
	}
	*out = '\0';
	return true;
}

static bool
read_number(const char *text, char **end, uint64_t *number)
{
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, end, 10);
	return errno == 0;
}

static bool
read_section(struct url *url, char *text)
{
	static const struct {
		const char *word;
		enum mime_section section;
	} words[] = {{"", MIME_SECTION_ALL},
		     {"HEADER", MIME_SECTION_HEADER},
		     {"TEXT", MIME_SECTION_TEXT},
		     {"MIME", MIME_SECTION_MIME}};

	while (isdigit((unsigned char)*text)) {
		uint64_t number;

		if (url->part_count == PART_DEPTH || !read_number(text, &text, &number) ||
		    number == 0 || number > UINT32_MAX)
			return false;
		url->part[url->part_count++] = (uint32_t)number;
		if (*text == '.')
			text++;
		else if (*text != '\0')
			return false;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i].word) == 0) {
			url->section = words[i].section;
			return true;
		}
	return false;
}

static bool
read_partial(struct url *url, const char *text)
{
	char *end;

	url->has_partial = true;
	url->count = UINT64_MAX;
	if (!read_number(text, &end, &url->offset))
		return false;
	if (*end == '.' && !read_number(end + 1, &end, &url->count))
		return false;
	return *end == '\0';
}

/* ";UID=20", ";SECTION=1.2", ";PARTIAL=0.1024", decoded. */
static bool
read_parameter(struct url *url, char *text)
{
	char *end;

	if (strncasecmp(text, "UID=", 4) == 0)
		return read_number(text + 4, &end, &url->uid) && *end == '\0' && url->uid != 0;
	if (strncasecmp(text, "SECTION=", 8) == 0)
		return read_section(url, text + 8);
	if (strncasecmp(text, "PARTIAL=", 8) == 0)
		return read_partial(url, text + 8);
	return false;
}

static bool
read_mailbox(struct url *url, char *text)
{
	char *validity = strcasestr(text, ";UIDVALIDITY=");
	char *end;

	if (validity != NULL) {
		url->has_uidvalidity = true;
		if (!read_number(validity + 13, &end, &url->uidvalidity) || *end != '\0')
			return false;
		*validity = '\0';
	}
	if (!decode_percent(text))
		return false;
	if (strcasecmp(text, "INBOX") == 0)
		text = "INBOX";
	return strlcpy(url->mailbox, text, sizeof(url->mailbox)) < sizeof(url->mailbox);
}

/* TEXT is changed. */
static bool
read_url(struct url *url, char *text)
{
	char *parameters, *next;

	if (*text == '/')
		text++;
	parameters = *text == ';' ? text : strstr(text, "/;");
	if (parameters == NULL)
		return false;
	if (parameters != text) {
		*parameters++ = '\0';
		if (!read_mailbox(url, text))
			return false;
	}
	for (; parameters != NULL; parameters = next) {
		next = strstr(parameters, "/;");
		if (next != NULL)
			*next++ = '\0';
		if (parameters[0] != ';' || !decode_percent(parameters) ||
		    !read_parameter(url, parameters + 1))
			return false;
	}
	return url->uid != 0 && url->uid <= UINT32_MAX;
}

/*
 * -- The octets -------------------------------------------------------------------
 */

static bool
keep_message(const struct store_message *message, void *arg)
{
	*(int64_t *)arg = message->message;
	return false;
}

static enum store_result
find_message(struct imap *imap, const struct url *url, int64_t *message, struct error *err)
{
	struct store_folder folder = {.id = imap->view.folder,
				      .uidvalidity = imap->view.uidvalidity};
	struct store_range range = {(uint32_t)url->uid, (uint32_t)url->uid};
	enum store_result result = STORE_OK;

	*message = 0;
	if (url->mailbox[0] != '\0')
		result = store_folder(imap->store, url->mailbox, &folder, err);
	else if (imap->state != IMAP_SELECTED)
		result = STORE_GONE;
	if (result == STORE_OK && url->has_uidvalidity && folder.uidvalidity != url->uidvalidity)
		result = STORE_GONE;
	if (result == STORE_OK)
		result =
		    store_scan(imap->store, folder.id, &range, 1, 0, 0, keep_message, message, err);
	return result == STORE_OK && *message == 0 ? STORE_GONE : result;
}

static enum store_result
find_octets(struct content *content, const struct url *url, struct mime_text *text)
{
	*text = (struct mime_text){content->bytes, content->length};
	if (url->part_count == 0 && url->section == MIME_SECTION_ALL)
		return STORE_OK;
	if (content_parse(content) == -1)
		return STORE_TEMPORARY;
	return mime_find_section(&content->mime, url->part, url->part_count, url->section, text)
		   ? STORE_OK
		   : STORE_GONE;
}

static enum store_result
copy_octets(struct imap *imap, const struct url *url, struct store_upload *upload, uint64_t max,
	    struct error *err)
{
	struct content content = {.message = 0};
	struct mime_text text = {NULL, 0};
	enum store_result result;
	int64_t message;

	result = find_message(imap, url, &message, err);
	if (result == STORE_OK)
		result = content_open(&content, imap->store, message, err);
	if (result == STORE_OK)
		result = find_octets(&content, url, &text);
	if (result == STORE_OK && url->has_partial) {
		struct octets octets = {.decode = false};

		octets_plain(&octets, text, url->offset, url->count);
		text = octets.text;
	}
	if (result == STORE_OK && text.length > max - store_upload_size(upload)) {
		error_set(err, "The message would be too large");
		result = STORE_LIMIT;
	}
	if (result == STORE_OK)
		result = store_upload_write(upload, text.at, text.length, err);
	content_close(&content);
	return result;
}

enum store_result
catenate_url(struct imap *imap, const struct imap_string *string, struct store_upload *upload,
	     uint64_t max, struct error *err)
{
	struct url url = {.mailbox = ""};
	char *text = strndup(string->bytes, string->length);
	enum store_result result = STORE_TEMPORARY;

	if (text == NULL) {
		error_errno(err, "URL");
		return STORE_TEMPORARY;
	}
	result = read_url(&url, text) ? copy_octets(imap, &url, upload, max, err) : STORE_GONE;
	if (result == STORE_GONE)
		error_set(err, "\"%s\" names nothing that is here", string->bytes);
	free(text);
	return result;
}
