/* SPDX-License-Identifier: ISC */
/* posternctl reload, posternctl status: asked of the running master. */
#include <stdio.h>
#include <string.h>

#include "ctl/connect.h"
#include "ctl/ctl.h"
#include "ctl/settings.h"

/* Ends the text with a newline if it is not empty. */
static void
print_text(FILE *out, const char *text)
{
	size_t length = strlen(text);

	if (length == 0)
		return;
	fwrite(text, 1, length, out);
	if (text[length - 1] != '\n')
		fputc('\n', out);
}

static int
ask_server(uint16_t type, int argc)
{
	static struct ctl_answer answer;
	struct configuration *conf;
	struct error err;
	int result;

	if (argc != 1)
		return CTL_USAGE;
	conf = ctl_settings();
	if (conf == NULL)
		return CTL_FAILED;
	result = ctl_ask(conf->state, type, &answer, &err);
	if (result == 0 && !answer.running)
		result =
		    error_set(&err, "no server is running with the state folder %s", conf->state);
	conf_free(conf);
	if (result == -1)
		return ctl_error(&err);
	print_text(answer.ok ? stdout : stderr, answer.text);
	return answer.ok ? CTL_OK : CTL_FAILED;
}

int
ctl_reload(int argc, char **argv)
{
	(void)argv;
	return ask_server(CM_RELOAD, argc);
}

int
ctl_status(int argc, char **argv)
{
	(void)argv;
	return ask_server(CM_STATUS, argc);
}
