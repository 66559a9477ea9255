/* SPDX-License-Identifier: ISC */
#include "worker/dns/dns.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define HEADER_SIZE 12
#define JUMPS_MAX 64

struct packet {
	const uint8_t *octets;
	size_t length;
	size_t at;
};

static bool
take_16(struct packet *p, uint16_t *value)
{
	if (p->length - p->at < 2)
		return false;
	*value = (uint16_t)(p->octets[p->at] << 8 | p->octets[p->at + 1]);
	p->at += 2;
	return true;
}

static bool
skip(struct packet *p, size_t count)
{
	if (p->length - p->at < count)
		return false;
	p->at += count;
	return true;
}

/* Letters, digits, "-" and "_" (which real names have). */
static bool
is_host_octet(uint8_t c)
{
	return isalnum(c) != 0 || c == '-' || c == '_';
}

/* Adds a label; false if no host is called so. */
static bool
add_label(char *name, size_t *used, const uint8_t *label, size_t length)
{
	if (*used + length + 2 > HOST_NAME_SIZE)
		return false;
	if (*used > 0)
		name[(*used)++] = '.';
	for (size_t i = 0; i < length; i++) {
		if (!is_host_octet(label[i]))
			return false;
		name[(*used)++] = (char)tolower(label[i]);
	}
	name[*used] = '\0';
	return true;
}

/* Where a compressed name goes on (4.1.4); false at damage. */
static bool
jump(const struct packet *p, size_t *at, unsigned *jumps)
{
	if (p->length - *at < 2 || ++*jumps > JUMPS_MAX)
		return false;
	*at = (size_t)(p->octets[*at] & 0x3f) << 8 | p->octets[*at + 1];
	return *at < p->length;
}

/*
 * A name; the packet goes on behind it. NAME may be NULL. *HOST: it is one that a host can have.
 * False at damage.
 */
static bool
take_name(struct packet *p, char *name, bool *host)
{
	size_t at = p->at, used = 0;
	unsigned jumps = 0;

	*host = true;
	if (name != NULL)
		name[0] = '\0';
	for (;;) {
		size_t length;

		if (at >= p->length)
			return false;
		length = p->octets[at];
		if ((length & 0xc0) == 0xc0) {
			if (jumps == 0)
				p->at = at + 2;
			if (!jump(p, &at, &jumps))
				return false;
			continue;
		}
		if (length > 63 || p->length - at - 1 < length)
			return false;
		at += 1 + length;
		if (length == 0)
			break;
		if (name != NULL && *host)
			*host = add_label(name, &used, p->octets + at - length, length);
	}
	if (jumps == 0)
		p->at = at;
	return p->at <= p->length;
}

/* -- Names and addresses ---------------------------------------------------------------------- */

/* The data of a record of a wanted type; false if it is to be left out. */
static bool
read_data(struct packet p, uint16_t type, size_t length, struct dns_record *record)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	const uint8_t *data = p.octets + p.at;
	size_t end = p.at + length;
	bool host;

	switch (type) {
	case DNS_A:
		memcpy(record->address.s6_addr, mapped, sizeof(mapped));
		if (length == 4)
			memcpy(record->address.s6_addr + 12, data, 4);
		return length == 4;
	case DNS_AAAA:
		if (length == 16)
			memcpy(record->address.s6_addr, data, 16);
		return length == 16;
	case DNS_PTR:
		return take_name(&p, record->name, &host) && p.at == end && host;
	default:
		return take_16(&p, &record->preference) && take_name(&p, record->name, &host) &&
		       p.at == end && host;
	}
}

/* -- Walking through the answer section -----------------------------------------------------------
 */

/* The record's LENGTH octets of data are at P's place. OWNER is "" if no host can be called so. */
typedef void record_fn(const struct packet *p, const char *owner, size_t length, void *arg);

static int
take_record(struct packet *p, uint16_t wanted, record_fn *each, void *arg)
{
	uint16_t type = 0, class = 0, length = 0;
	char owner[HOST_NAME_SIZE];
	bool host;

	/* Owner, type, class, time to live, data. */
	if (!take_name(p, owner, &host) || !take_16(p, &type) || !take_16(p, &class) ||
	    !skip(p, 4) || !take_16(p, &length) || p->length - p->at < length)
		return -1;
	if (type == wanted && class == 1)
		each(p, host ? owner : "", length, arg);
	return skip(p, length) ? 0 : -1;
}

static int
walk(const uint8_t *octets, size_t length, uint16_t wanted, record_fn *each, void *arg)
{
	struct packet p = {.octets = octets, .length = length, .at = 4};
	uint16_t questions = 0, answers = 0;
	bool host;

	if (length < HEADER_SIZE)
		return -1;
	(void)take_16(&p, &questions);
	(void)take_16(&p, &answers);
	p.at = HEADER_SIZE;
	for (; questions > 0; questions--) {
		if (!take_name(&p, NULL, &host) || !skip(&p, 4))
			return -1;
	}
	for (; answers > 0; answers--) {
		if (take_record(&p, wanted, each, arg) == -1)
			return -1;
	}
	return 0;
}

/* -- From outside ---------------------------------------------------------------------------------
 */

struct taking {
	uint16_t type;
	struct dns_answer *answer;
};

static void
add_record(const struct packet *p, const char *owner, size_t length, void *arg)
{
	struct taking *taking = arg;
	struct dns_answer *answer = taking->answer;
	struct dns_record record = {0};

	if (answer->count == DNS_RECORDS_MAX)
		return;
	if (!read_data(*p, taking->type, length, &record)) {
		answer->left_out++;
		return;
	}
	if (answer->count == 0)
		strlcpy(answer->owner, owner, sizeof(answer->owner));
	answer->records[answer->count++] = record;
}

int
dns_parse(const uint8_t *octets, size_t length, uint16_t type, struct dns_answer *answer)
{
	struct taking taking = {.type = type, .answer = answer};

	answer->count = 0;
	answer->left_out = 0;
	answer->owner[0] = '\0';
	if (walk(octets, length, type, add_record, &taking) == 0)
		return 0;
	answer->count = 0;
	return -1;
}

struct addressing {
	uint16_t type;
	dns_address_fn *each;
	void *arg;
};

static void
tell_address(const struct packet *p, const char *owner, size_t length, void *arg)
{
	struct addressing *addressing = arg;
	struct dns_record record = {0};

	(void)owner;
	if (read_data(*p, addressing->type, length, &record))
		addressing->each(&record.address, addressing->arg);
}

int
dns_parse_addresses(const uint8_t *octets, size_t length, uint16_t type, dns_address_fn *each,
		    void *arg)
{
	struct addressing addressing = {.type = type, .each = each, .arg = arg};

	return walk(octets, length, type, tell_address, &addressing);
}

struct telling {
	dns_txt_fn *each;
	void *arg;
	bool damaged;
};

/* Strings of an octet of length each (RFC 1035 3.3.14). */
static void
tell_text(const struct packet *p, const char *owner, size_t length, void *arg)
{
	struct telling *telling = arg;
	const uint8_t *data = p->octets + p->at, *end = data + length;
	char text[DNS_TXT_MAX];
	size_t used = 0;

	(void)owner;
	while (data < end) {
		size_t piece = *data++;

		if (piece > (size_t)(end - data)) {
			telling->damaged = true;
			return;
		}
		if (piece > sizeof(text) - used)
			return;
		memcpy(text + used, data, piece);
		used += piece;
		data += piece;
	}
	telling->each(text, used, telling->arg);
}

int
dns_parse_txt(const uint8_t *octets, size_t length, dns_txt_fn *each, void *arg)
{
	struct telling telling = {.each = each, .arg = arg};

	if (walk(octets, length, DNS_TXT, tell_text, &telling) == -1 || telling.damaged)
		return -1;
	return 0;
}

#define TLSA_HEAD 3 /* octets in front of a TLSA record's data */

struct telling_tlsa {
	dns_tlsa_fn *each;
	void *arg;
	bool damaged;
};

static void
tell_tlsa(const struct packet *p, const char *owner, size_t length, void *arg)
{
	struct telling_tlsa *telling = arg;
	const uint8_t *data = p->octets + p->at;
	struct dns_tlsa tlsa;

	(void)owner;
	if (length < TLSA_HEAD) {
		telling->damaged = true;
		return;
	}
	tlsa = (struct dns_tlsa){.usage = data[0],
				 .selector = data[1],
				 .matching = data[2],
				 .length = (uint16_t)(length - TLSA_HEAD),
				 .data = data + TLSA_HEAD};
	telling->each(&tlsa, telling->arg);
}

int
dns_parse_tlsa(const uint8_t *octets, size_t length, dns_tlsa_fn *each, void *arg)
{
	struct telling_tlsa telling = {.each = each, .arg = arg};

	if (walk(octets, length, DNS_TLSA, tell_tlsa, &telling) == -1 || telling.damaged)
		return -1;
	return 0;
}

struct serving {
	dns_srv_fn *each;
	void *arg;
	bool damaged;
};

static void
tell_service(const struct packet *packet, const char *owner, size_t length, void *arg)
{
	struct serving *serving = arg;
	struct dns_service service;
	struct packet p = *packet;
	bool host;

	(void)owner;
	if (!take_16(&p, &service.priority) || !take_16(&p, &service.weight) ||
	    !take_16(&p, &service.port) || !take_name(&p, service.name, &host) ||
	    p.at != packet->at + length)
		serving->damaged = true;
	else if (host)
		serving->each(&service, serving->arg);
}

int
dns_parse_srv(const uint8_t *octets, size_t length, dns_srv_fn *each, void *arg)
{
	struct serving serving = {.each = each, .arg = arg};

	if (walk(octets, length, DNS_SRV, tell_service, &serving) == -1 || serving.damaged)
		return -1;
	return 0;
}
