/* SPDX-License-Identifier: ISC */
/* posternctl mailbox check, repair: is a mailbox what it should be, and makes it so. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/checkup_lines.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/mailbox.h"
#include "ctl/mailbox_stream.h"
#include "ctl/text.h"

struct checkup {
	char address[ADDRESS_SIZE];
	enum mailbox_purpose purpose;
	char **findings;
	size_t count;
	uint64_t numbers[CHECKUP_NUMBERS];
};

/*
 * -- What its process says ------------------------------------------------------------
 */

static int
keep_finding(struct checkup *checkup, const char *text, struct error *err)
{
	if (checkup->count == CHECKUP_FINDINGS_MAX)
		return error_set(err, "its process says more than it may");
	if (checkup->findings == NULL)
		checkup->findings = calloc(CHECKUP_FINDINGS_MAX, sizeof(*checkup->findings));
	if (checkup->findings == NULL || (checkup->findings[checkup->count] = strdup(text)) == NULL)
		return error_errno(err, "a finding");
	checkup->count++;
	return 0;
}

/* The next line: 1; 0 if it was the last; or -1. */
static int
read_line(struct checkup *checkup, FILE *stream, struct error *err)
{
	char text[CHECKUP_LINE_MAX + 1];
	struct checkup_line line;
	size_t length;

	errno = 0;
	if (fgets(text, sizeof(text), stream) == NULL)
		return errno != 0 ? error_errno(err, "reading from its process")
				  : error_set(err, "its process has closed the connection; the "
						   "server's log says why");
	length = strlen(text);
	line = (struct checkup_line){.kind = CHECKUP_LINE_BAD};
	if (length > 0 && text[length - 1] == '\n') {
		text[--length] = '\0';
		line = checkup_line_read(text, length);
	}
	switch (line.kind) {
	case CHECKUP_LINE_FINDING:
		return keep_finding(checkup, line.text, err) == -1 ? -1 : 1;
	case CHECKUP_LINE_DONE:
		memcpy(checkup->numbers, line.numbers, sizeof(checkup->numbers));
		return 0;
	case CHECKUP_LINE_FAILED:
		return error_set(err, "%s", line.text);
	case CHECKUP_LINE_BAD:
		break;
	}
	return error_set(err, "its process says what is no answer");
}

/* Without a time limit: a large mailbox takes its time, and a process that dies closes. */
static int
ask(struct checkup *checkup, const char *state, struct error *err)
{
	FILE *stream;
	int fd, more;

	if (mailbox_stream(state, checkup->address, checkup->purpose, &fd, err) == -1)
		return error_prefix(err, "the mailbox of %s", checkup->address);
	stream = fcntl(fd, F_SETFL, 0) == -1 ? NULL : fdopen(fd, "r");
	if (stream == NULL) {
		close(fd);
		return error_errno(err, "the mailbox of %s", checkup->address);
	}
	do
		more = read_line(checkup, stream, err);
	while (more == 1);
	fclose(stream);
	return more == -1 ? error_prefix(err, "the mailbox of %s", checkup->address) : 0;
}

/*
 * -- For a person, or a program ---------------------------------------------------------
 */

static void
print_text(const struct checkup *checkup)
{
	const uint64_t *numbers = checkup->numbers;
	bool repair = checkup->purpose == MAILBOX_REPAIR;

	for (size_t i = 0; i < checkup->count; i++) {
		text_print(stdout, checkup->findings[i]);
		putchar('\n');
	}
	if (numbers[CHECKUP_PROBLEMS] + numbers[CHECKUP_STRANGE] > checkup->count)
		printf("... and more\n");
	if (numbers[CHECKUP_PROBLEMS] == 0)
		printf("%s: %" PRIu64 " messages, nothing is wrong.\n", checkup->address,
		       numbers[CHECKUP_MESSAGES]);
	else
		printf("%s: %" PRIu64 " problem%s, %s.\n", checkup->address,
		       numbers[CHECKUP_PROBLEMS], numbers[CHECKUP_PROBLEMS] == 1 ? "" : "s",
		       repair ? "put right"
			      : "nothing is changed; posternctl mailbox repair helps");
	if (numbers[CHECKUP_RECOVERED] > 0)
		printf("Messages that no folder had and that %s in the folder Recovered: %" PRIu64
		       ".\n",
		       repair ? "are now" : "a repair puts", numbers[CHECKUP_RECOVERED]);
	if (numbers[CHECKUP_LOST] > 0)
		printf("Messages whose files are lost, which only a backup has: %" PRIu64 ".\n",
		       numbers[CHECKUP_LOST]);
}

static void
print_json(const struct checkup *checkup)
{
	static const char *const names[CHECKUP_NUMBERS] = {
	    [CHECKUP_MESSAGES] = "messages", [CHECKUP_FILES] = "files",
	    [CHECKUP_PROBLEMS] = "problems", [CHECKUP_STRANGE] = "strange",
	    [CHECKUP_LOST] = "lost",         [CHECKUP_RECOVERED] = "recovered",
	};
	struct json json = json_start(stdout);

	json_object(&json, NULL);
	json_string(&json, "account", checkup->address);
	json_bool(&json, "repaired", checkup->purpose == MAILBOX_REPAIR);
	for (size_t i = 0; i < CHECKUP_NUMBERS; i++) {
		if (names[i] != NULL)
			json_number(&json, names[i], (int64_t)checkup->numbers[i]);
	}
	json_bool(&json, "rebuilt", checkup->numbers[CHECKUP_REBUILT] != 0);
	json_array(&json, "findings");
	for (size_t i = 0; i < checkup->count; i++)
		json_string(&json, NULL, checkup->findings[i]);
	json_end(&json);
	json_end(&json);
}

/*
 * -- The commands -----------------------------------------------------------------------
 */

static int
perform(struct checkup *checkup, const char *text, bool as_json)
{
	struct configuration *conf = ctl_settings();
	struct error err;
	int result;

	if (conf == NULL)
		return CTL_UNDONE;
	result = mailbox_address(conf, text, checkup->address, &err);
	if (result == 0)
		result = ask(checkup, conf->state, &err);
	conf_free(conf);
	if (result == -1) {
		(void)ctl_error(&err);
		return CTL_UNDONE;
	}
	if (as_json)
		print_json(checkup);
	else
		print_text(checkup);
	if (fflush(stdout) == EOF)
		return CTL_UNDONE;
	return checkup->purpose == MAILBOX_CHECK && checkup->numbers[CHECKUP_PROBLEMS] > 0
		   ? CTL_FAILED
		   : CTL_OK;
}

static int
run(enum mailbox_purpose purpose, int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{NULL, 0, NULL, 0}};
	struct checkup checkup = {.purpose = purpose};
	bool as_json = false;
	int option, status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return CTL_USAGE;
		as_json = true;
	}
	if (argc - optind != 1)
		return CTL_USAGE;
	status = perform(&checkup, argv[optind], as_json);
	for (size_t i = 0; i < checkup.count; i++)
		free(checkup.findings[i]);
	free(checkup.findings);
	return status;
}

int
ctl_mailbox_check(int argc, char **argv)
{
	return run(MAILBOX_CHECK, argc, argv);
}

int
ctl_mailbox_repair(int argc, char **argv)
{
	return run(MAILBOX_REPAIR, argc, argv);
}
