/* SPDX-License-Identifier: ISC */
/* posternctl cert audit: what a key was used for, by gate, listener and purpose. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cert_name.h"
#include "ctl/cert_look.h"
#include "ctl/ctl.h"

struct sums {
	uint64_t tls13, tls12, refused;
	int64_t since; /* 0: never used */
};

static void
print_line(const char *gate, const char *listener, const struct sums *sums)
{
	printf("  %-8s %-16s tls1.3=%" PRIu64 " tls1.2=%" PRIu64 " refused=%" PRIu64 "\n", gate,
	       listener, sums->tls13, sums->tls12, sums->refused);
}

static int
on_use(const struct ipc_message *message, void *arg, struct error *err)
{
	const struct cc_use *use = message->body;
	const struct sums here = {use->tls13, use->tls12, use->refused, use->since};
	struct sums *all = arg;
	char gate[32], listener[32] = "unknown";

	if (message->type != CC_USE || (use->known == 1 && use->service >= SERVICE_COUNT &&
					use->gate != (uint32_t)CC_USE_OF_RELAY))
		return error_set(err, "certd: an answer that can't be");
	if (use->gate == (uint32_t)CC_USE_OF_RELAY)
		strlcpy(gate, "relay", sizeof(gate));
	else if (use->gate == (uint32_t)CC_USE_OF_ENDED)
		strlcpy(gate, "ended", sizeof(gate));
	else if (use->gate == (uint32_t)CC_USE_OF_OTHERS)
		strlcpy(gate, "others", sizeof(gate));
	else
		snprintf(gate, sizeof(gate), "gate %u", use->gate);
	if (use->gate == (uint32_t)CC_USE_OF_RELAY)
		strlcpy(listener, "client", sizeof(listener));
	else if (use->known == 1)
		snprintf(listener, sizeof(listener), "%s:%u", conf_services[use->service],
			 use->port);
	print_line(gate, listener, &here);
	all->tls13 += here.tls13;
	all->tls12 += here.tls12;
	all->refused += here.refused;
	all->since = here.since;
	return 0;
}

static int
audit(const struct cert_channel *channel, const char *name, struct error *err)
{
	struct cc_audit audit = {.name = ""};
	struct sums all = {0, 0, 0, 0};
	const struct cert_request ask = {.type = CC_AUDIT,
					 .body = &audit,
					 .size = sizeof(audit),
					 .fd = -1,
					 .on_item = on_use,
					 .arg = &all};
	char text[CERT_TEXT_MAX + 1], since[CERT_TEXT_SIZE];

	if (!channel->running)
		return error_set(err, "no server is running, and uses are counted while it runs: "
				      "its log has those of before (event=certd.use)");
	strlcpy(audit.name, name, sizeof(audit.name));
	if (cert_ask(channel, &ask, text, err) == -1)
		return -1;
	if (all.since == 0) {
		printf("%s has not been used since certd was started.\n", name);
		return 0;
	}
	print_line("all", "", &all);
	printf("Counted since %s, when certd was started; the log has it by the minute "
	       "(event=certd.use), and each refusal (event=certd.refused).\n",
	       cert_time(all.since, since));
	return 0;
}

int
ctl_cert_audit(int argc, char **argv)
{
	struct cert_channel channel;
	struct configuration *conf;
	struct conf_users users;
	struct error err;
	int result;

	if (argc != 2)
		return CTL_USAGE;
	if (!cert_name_valid(argv[1])) {
		error_set(&err, "%s: not a name for a certificate", argv[1]);
		return ctl_error(&err);
	}
	if ((conf = cert_configuration(&users)) == NULL)
		return CTL_FAILED;
	result = cert_channel_open(conf, &users, &channel, &err);
	if (result == 0) {
		result = audit(&channel, argv[1], &err);
		cert_channel_close(&channel);
	}
	conf_free(conf);
	if (result == -1)
		return ctl_error(&err);
	return fflush(stdout) == EOF ? CTL_FAILED : CTL_OK;
}
