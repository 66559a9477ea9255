/* SPDX-License-Identifier: ISC */
#include "ctl/settings.h"

#include <libconfig.h>
#include <string.h>

#include "ctl/ctl.h"

int
ctl_settings_load(struct ctl_settings *settings, struct error *err)
{
	config_t config;
	const char *state;
	int result = 0;

	config_init(&config);
	if (config_read_file(&config, ctl_options.conf) != CONFIG_TRUE)
		result = error_set(err, "%s: %s", ctl_options.conf, config_error_text(&config));
	else if (config_lookup_string(&config, "state", &state) != CONFIG_TRUE)
		state = STATEDIR;
	if (result == 0)
		strlcpy(settings->state, state, sizeof(settings->state));
	config_destroy(&config);
	return result;
}
