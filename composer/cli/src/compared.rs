//! What differs between two selections, for people and for programs.

use serde_json::{Value, json};
use tarsia_model::{ByteSize, Name, Span};
use tarsia_resolve::{
    Adjusted, Cause, Comparison, FeatureSetting, Member, Promised, Rebound, Relimited, Total, User,
};

use crate::commands::why;
use crate::session::Session;

/// The differences in lines, each with a mark: `+` for what comes, `-` for what goes, `~` for what
/// becomes another. Lines at `changed` are in no file: a change would add them.
pub fn text(session: &Session, changed: Span, found: &Comparison<'_>) -> String {
    let mut lines: Vec<String> = Vec::new();
    for one in &found.frame {
        lines.push(format!("~ {}: {} → {}", one.key, one.before, one.after));
    }
    let members = [("+", &found.gained), ("-", &found.lost)];
    for (mark, members) in members {
        lines.extend(members.iter().map(|one| format!("{mark} {}", member(session, changed, one))));
    }
    for Switch { first, users } in switches(&found.rebound) {
        let (before, after) = (listed(&first.before), listed(&first.after));
        lines.push(format!("~ {}: {before} → {after}, for {}", first.capability, users.join(", ")));
    }
    for Adjusted { component, feature, before, after } in &found.features {
        let (before, after) = (value(*before), value(*after));
        lines.push(format!("~ {component}.{feature}: {before} → {after}"));
    }
    for Relimited { region, by, component, before, after } in &found.limits {
        let of = component.map_or(String::new(), |name| format!(" of {name}"));
        let (before, after) = (size(*before), size(*after));
        lines.push(format!("~ limit on {region}{of} by the {}: {before} → {after}", by.as_str()));
    }
    for one in &found.promises {
        let (before, after) = (size(one.before), size(one.after));
        lines.push(format!("~ {} promises of {}: {before} → {after}", one.component, one.region));
    }
    if !found.gained.is_empty() {
        lines.push(format!("  promised by what comes: {}", promised(&found.gained_size)));
    }
    if !found.lost.is_empty() {
        lines.push(format!("  promised by what goes: {}", promised(&found.lost_size)));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A component with the first reason for it.
fn member(session: &Session, changed: Span, Member { name, selected }: &Member<'_>) -> String {
    let layer = selected.manifest.layer.value;
    let Some(cause) = selected.causes.first() else {
        return format!("{name} ({layer})");
    };
    let reason = match cause.capability() {
        _ if cause.span() != changed => why::describe(session, cause),
        Some(capability) => format!("{capability}, required by the change"),
        None => "named by the change".to_owned(),
    };
    let by = cause.by().map_or(String::new(), |by| format!("{by} for "));
    format!("{name} ({layer}): {by}{reason}")
}

/// The same switch of providers, for all whom it concerns.
struct Switch<'f, 'a> {
    first: &'f Rebound<'a>,
    users: Vec<&'a str>,
}

fn switches<'f, 'a>(rebound: &'f [Rebound<'a>]) -> Vec<Switch<'f, 'a>> {
    let mut found: Vec<Switch<'f, 'a>> = Vec::new();
    for one in rebound {
        let same = |switch: &&mut Switch<'f, 'a>| {
            let Rebound { capability, before, after, .. } = switch.first;
            *capability == one.capability && *before == one.before && *after == one.after
        };
        match found.iter_mut().find(same) {
            Some(switch) => switch.users.push(user(one.user)),
            None => found.push(Switch { first: one, users: vec![user(one.user)] }),
        }
    }
    found
}

fn user<'a>(user: User<'a>) -> &'a str {
    match user {
        User::Product => "the product",
        User::Profile => "the profile",
        User::Component(name) => name.as_str(),
    }
}

fn listed(names: &[&Name]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
}

fn value(setting: Option<&FeatureSetting>) -> String {
    match setting {
        Some(FeatureSetting { value, set: None, .. }) => format!("{value} (default)"),
        Some(FeatureSetting { value, .. }) => value.to_string(),
        None => "none".to_owned(),
    }
}

fn size(size: Option<ByteSize>) -> String {
    size.map_or_else(|| "none".to_owned(), |size| size.to_string())
}

fn promised(Promised { flash, ram }: &Promised) -> String {
    format!("flash {}, RAM {}", total(flash), total(ram))
}

/// A sum, and how much of it is not known.
fn total(Total { known, unknown }: &Total) -> String {
    let unknown = match unknown {
        0 => return known.to_string(),
        1 => "unknown for 1 component".to_owned(),
        _ => format!("unknown for {unknown} components"),
    };
    if known.0 == 0 { unknown } else { format!("{known} and {unknown}") }
}

/// The differences for programs. Lines at `changed` have no location.
pub fn json(session: &Session, changed: Span, found: &Comparison<'_>) -> Value {
    let members = |members: &[Member<'_>]| -> Vec<Value> {
        let one = |one: &Member<'_>| {
            let location = |cause: &Cause| {
                let span = Some(cause.span()).filter(|span| *span != changed);
                span.map(|span| session.sources().location(span))
            };
            let cause = one.selected.causes.first().map(|cause| {
                json!({
                    "kind": why::kind(cause),
                    "by": cause.by(),
                    "capability": cause.capability(),
                    "location": location(cause),
                })
            });
            json!({ "name": one.name, "layer": one.selected.manifest.layer.value.as_str(), "cause": cause })
        };
        members.iter().map(one).collect()
    };
    let frame = found.frame.iter();
    let providers = found.rebound.iter().map(|one| {
        let by = match one.user {
            User::Product => "product",
            User::Profile => "profile",
            User::Component(_) => "component",
        };
        let component = match one.user {
            User::Component(name) => Some(name),
            User::Product | User::Profile => None,
        };
        json!({
            "capability": one.capability, "user": by, "component": component,
            "before": one.before, "after": one.after,
        })
    });
    let setting = |setting: Option<&FeatureSetting>| {
        setting
            .map(|one| json!({ "value": one.value.to_string(), "is_default": one.set.is_none() }))
    };
    let features = found.features.iter().map(|one| {
        json!({
            "component": one.component, "feature": one.feature,
            "before": setting(one.before), "after": setting(one.after),
        })
    });
    let limits = found.limits.iter().map(|one| {
        json!({
            "region": one.region, "by": one.by.as_str(), "component": one.component,
            "before": one.before, "after": one.after,
        })
    });
    let promises = found.promises.iter().map(|one| {
        json!({
            "component": one.component, "region": one.region,
            "before": one.before, "after": one.after,
        })
    });
    let sum = |one: &Total| json!({ "known": one.known, "unknown_components": one.unknown });
    let sums = |one: &Promised| json!({ "flash": sum(&one.flash), "ram": sum(&one.ram) });
    json!({
        "frame": frame
            .map(|one| json!({ "key": one.key, "before": one.before, "after": one.after }))
            .collect::<Vec<_>>(),
        "gained": members(&found.gained),
        "lost": members(&found.lost),
        "providers": providers.collect::<Vec<_>>(),
        "features": features.collect::<Vec<_>>(),
        "limits": limits.collect::<Vec<_>>(),
        "promises": promises.collect::<Vec<_>>(),
        "gained_size": sums(&found.gained_size),
        "lost_size": sums(&found.lost_size),
    })
}
