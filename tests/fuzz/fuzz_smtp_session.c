/* SPDX-License-Identifier: ISC */
/*
 * A whole session against a client that says anything: no byte is read twice or past its end, no
 * transaction stays behind in queue, nothing leaks, and each line of output is a reply. The first
 * byte chooses the house, the second how the rest is cut.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/proto/gate_queue.h"
#include "tests/unit/smtp_house.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_replies(const char *p)
{
	while (*p != '\0') {
		const char *end = strchr(p, '\n');

		if (end == NULL || end - p < 4 || end[-1] != '\r' || end - p > 511)
			abort();
		if (p[0] < '2' || p[0] > '5' || !isdigit((unsigned char)p[1]) ||
		    !isdigit((unsigned char)p[2]) || (p[3] != ' ' && p[3] != '-'))
			abort();
		p = end + 1;
	}
}

static void
set_up(uint8_t choice)
{
	house_open((choice & 1) != 0 ? SERVICE_SUBMISSION : SERVICE_SMTP);
	if ((choice & 2) != 0)
		house_set_tls(TLS_IMPLICIT, true);
	if ((choice & 4) != 0)
		orders.data_failure = QUEUE_NO_SPACE;
	if ((choice & 8) != 0)
		orders.commit_failure = QUEUE_REFUSED;
	if ((choice & 16) != 0)
		orders.queue_dies_on_commit = true;
	if ((choice & 32) != 0)
		orders.accounts_silent = 1;
	if ((choice & 64) != 0)
		orders.body_is_full = true;
	if ((choice & 128) != 0)
		orders.queue_dies_on_data = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t pieces, rest;

	if (size < 2)
		return 0;
	log_set_level(LOG_EMERG);
	set_up(data[0]);
	pieces = data[1] % 8 + 1u;
	rest = size - 2;
	client_says_in_pieces((const char *)data + 2, rest, rest / pieces + 1);
	if ((data[1] & 32) != 0)
		house_drain((data[1] & 16) != 0);
	if ((data[0] & 32) != 0)
		house_accounts_speak();
	if (handshake_started())
		house_set_tls(TLS_EXPLICIT, true);
	client_says("\r\n.\r\nNOOP\r\n");
	if ((data[1] & 64) != 0 && (data[0] & 144) != 0)
		house_new_queue();
	check_replies(client_hears());
	house_close();
	if ((data[0] & 144) == 0 && queue_log.commits + queue_log.aborts +
					    (orders.data_failure != 0 ? queue_log.datas : 0) <
					queue_log.datas)
		abort();
	return 0;
}
