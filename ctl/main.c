/* SPDX-License-Identifier: ISC */
/* posternctl - administration of Postern: the table of its commands. */
#include "ctl/ctl.h"

static const struct ctl_command commands[] = {
    {"reload", NULL, "", "read postern.conf again and put it in force", ctl_reload},
    {"status", NULL, "", "show processes, listeners and connections", ctl_status},
    {NULL, NULL, NULL, NULL, NULL},
};

int
main(int argc, char **argv)
{
	return ctl_run(commands, argc, argv);
}
