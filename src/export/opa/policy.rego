# The fixed half of an OPA policy made by catalogue: nothing in it comes from a server. The other half is data.
#
# Input: {"server": KEY, "tool": NAME, "arguments": {...}}. `decision` is allow, limit, ask, deny or hide. `allow` is true
# for allow only: a caller that looks at nothing else refuses what should be limited or asked about. A caller that can
# count honours `limit`, one that can ask a person honours `decision == "ask"`.
package catalogue.policy

import rego.v1

default decision := "deny"

default allow := false

server := data.catalogue.servers[input.server] if is_string(input.server)

tool := server.tools[input.tool] if is_string(input.tool)

named if is_object(tool)

rule := tool.rule if named

rule := server["default"].rule if {
	is_string(input.tool)
	not named
}

decision := rule if not broken

decision := "hide" if {
	broken
	rule == "hide"
}

decision := "deny" if {
	broken
	rule != "hide"
}

allow if decision == "allow"

limit := {"max": tool.max, "window": tool.window} if {
	decision == "limit"
	named
}

broken if {
	some check in tool.arguments
	violates(check)
}

present(check) if {
	value := input.arguments[check.argument]
	value != null
}

violates(check) if {
	check.must in {"be-present"}
	not present(check)
}

violates(check) if {
	check.must == "be-one-of"
	present(check)
	not one_of(check)
}

violates(check) if {
	check.must == "be-at-most"
	present(check)
	not at_most(check)
}

violates(check) if {
	check.must == "be"
	present(check)
	input.arguments[check.argument] != check.value
}

violates(check) if {
	check.must == "be"
	not present(check)
	not check.absent
}

violates(check) if not check.must in {"be-present", "be-one-of", "be-at-most", "be"}

one_of(check) if {
	some value in check.values
	input.arguments[check.argument] == value
}

# A number of an enum may come as a text: the other formats that look into arguments take it so.
one_of(check) if {
	some value in check.values
	is_number(value)
	is_string(input.arguments[check.argument])
	to_number(input.arguments[check.argument]) == value
}

at_most(check) if {
	value := input.arguments[check.argument]
	is_number(value)
	value <= check.max
}
