//! What can be read off a definition before any rule speaks: its texts, its verbs with their objects, its parameters.
//!
//! Everything is bounded: a definition may hold megabytes that someone made up.

use serde_json::Value;

use super::actions::listed_in_description;
use super::numbers::Numbers;
use super::pattern::Pattern;
use super::schema::{Param, Schema};
use super::sieve::Candidates;
use super::texts::{Description, NAME_BYTES, Place, Text, Title, Zone};
use super::verbs::{Slot, Verb, in_description, in_name, unclaimed};
use super::words::{Word, of_name};
use super::{RuleSet, about};
use crate::model::ToolDefinition;

/// The words of a name, in lower case with one space between them, and where each stands in the name.
#[derive(Debug, Clone, Default)]
pub(super) struct Spaced {
    text: String,
    /// Start in `text`, start and end in the name.
    words: Vec<(usize, usize, usize)>,
}

impl Spaced {
    fn of(words: &[Word<'_>]) -> Self {
        let bytes = words.iter().map(|word| word.text.len() + 1).sum();
        let mut spaced = Self { text: String::with_capacity(bytes), words: Vec::with_capacity(words.len()) };
        for word in words {
            if !spaced.text.is_empty() {
                spaced.text.push(' ');
            }
            spaced.words.push((spaced.text.len(), word.start, word.end));
            spaced.text.push_str(&word.text);
        }
        spaced
    }

    /// Where in the name the words stand that a pattern matches, whole words.
    fn find(&self, pattern: &Pattern, candidates: &Candidates) -> Option<(usize, usize)> {
        let (first, behind) = pattern.find(&self.text, candidates)?;
        let at = |to: usize| self.words.partition_point(|(start, ..)| *start <= to).checked_sub(1);
        let (_, start, _) = self.words.get(at(first)?)?;
        let (_, _, end) = self.words.get(at(behind.saturating_sub(1).max(first))?)?;
        Some((*start, *end))
    }
}

/// The members of a definition that are read, found in one pass over it.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Members<'a> {
    pub(super) title: Option<&'a Value>,
    description: Option<&'a str>,
    /// What the author states, and perhaps a title.
    pub(super) annotations: Option<&'a Value>,
    pub(super) input_schema: Option<&'a Value>,
    pub(super) output_schema: Option<&'a Value>,
}

impl<'a> Members<'a> {
    fn of(tool: &'a ToolDefinition) -> Self {
        let mut members = Self::default();
        for (key, value) in tool.object().as_object().into_iter().flatten() {
            match key.as_str() {
                "title" => members.title = Some(value),
                "description" => members.description = value.as_str(),
                "annotations" => members.annotations = Some(value),
                "inputSchema" => members.input_schema = Some(value),
                "outputSchema" => members.output_schema = Some(value),
                _ => {}
            }
        }
        members
    }

    /// The title that is meant, as `ToolDefinition::title` has it, and where it stands.
    fn title(&self) -> Option<(&'static str, &'a str)> {
        let (at, title) = match (self.title, self.annotations) {
            (Some(title), _) => ("/title", title),
            (None, annotations) => ("/annotations/title", annotations?.get("title")?),
        };
        Some((at, title.as_str()?))
    }
}

/// All that rules may look at.
pub(super) struct Features<'a> {
    pub(super) members: Members<'a>,
    pub(super) name: Text<'a>,
    /// Where the first word of the name begins, behind a claim in front that it is "read-only".
    pub(super) claim: usize,
    /// The patterns that may match the name from there on.
    pub(super) behind_claim: Candidates,
    spaced: Spaced,
    /// The patterns that may match the name's words.
    pub(super) in_spaced: Candidates,
    /// The last word of the name before a preposition: what a name without a verb is about.
    pub(super) head_noun: Option<Word<'a>>,
    pub(super) title: Option<Title<'a>>,
    pub(super) description: Option<Description<'a>>,
    pub(super) verbs: Vec<Verb<'a>>,
    pub(super) params: Vec<Param<'a>>,
    /// The patterns that may match the name of some parameter.
    pub(super) params_named: Candidates,
    /// The rules that may speak, as far as their patterns decide.
    pub(super) may_speak: Numbers,
    /// There were more parameters, or longer descriptions of them, than are read.
    schema_cut: bool,
}

impl<'a> Features<'a> {
    pub(super) fn of(tool: &'a ToolDefinition, rules: &RuleSet) -> Self {
        let name = Text::of("/name", tool.name(), NAME_BYTES);
        let members = Members::of(tool);
        let title = members.title().map(|(at, whole)| {
            let text = Text::of(at, whole, NAME_BYTES);
            Title { text, candidates: rules.sieves.sentence.candidates(text.read) }
        });
        let description = members.description.and_then(|whole| Description::of(whole, &rules.sieves));
        let Schema { params, named: params_named, mut verbs, cut: schema_cut } =
            Schema::of(members.input_schema, rules);
        let (name_words, claim) = unclaimed(of_name(name.read).collect());
        let spaced = Spaced::of(&name_words);
        let said = description.as_ref().map(|text| in_description(text, rules)).unwrap_or_default();
        let first = said.first().filter(|verb| verb.slot == Slot::Description);
        verbs.extend(in_name(&name, &name_words, rules, [Slot::Name, Slot::SecondInName], first));
        if let Some(Title { text, .. }) = &title {
            let words = unclaimed(of_name(text.read).collect()).0;
            verbs.extend(in_name(text, &words, rules, [Slot::Title, Slot::Title], first).into_iter().take(1));
        }
        verbs.extend(said);
        verbs.extend(description.as_ref().and_then(|d| listed_in_description(d, rules)));
        about::complete(&mut verbs);
        let ends = &rules.settings.words.phrase_ends;
        let head_noun = name_words.into_iter().take_while(|w| !ends.contains(w.text.as_ref())).last();
        let behind_claim = rules.sieves.names.candidates(name.read.get(claim..).unwrap_or_default());
        let in_spaced = rules.sieves.names.candidates(&spaced.text);
        let mut anywhere = behind_claim;
        let texts = [
            Some(&in_spaced),
            Some(&params_named),
            title.as_ref().map(|title| &title.candidates),
            description.as_ref().map(|description| description.zone(Zone::All).1),
        ];
        for found in texts.into_iter().flatten().chain(params.iter().map(|param| &param.said)) {
            anywhere.add(found);
        }
        Self {
            members,
            name,
            claim,
            behind_claim,
            in_spaced,
            spaced,
            head_noun,
            title,
            description,
            verbs,
            params,
            params_named,
            may_speak: rules.order.may_speak(&anywhere),
            schema_cut,
        }
    }

    /// The texts that were longer than what is read.
    pub(super) fn cut(&self) -> impl Iterator<Item = &'static str> {
        let (title, description) = (self.title.as_ref(), self.description.as_ref());
        let texts = [Some(&self.name), title.map(|t| &t.text), description.map(|d| &d.text)];
        let cut = texts.map(|text| text.filter(|text| text.cut).map(|text| text.pointer));
        cut.into_iter().flatten().chain(self.schema_cut.then_some("/inputSchema"))
    }

    /// The words of the name, in lower case with one space between them.
    pub(super) fn words(&self) -> &str {
        &self.spaced.text
    }

    /// Whether a pattern matches the words of the name.
    pub(super) fn words_hold(&self, pattern: &Pattern) -> bool {
        pattern.is_in(&self.spaced.text, &self.in_spaced)
    }

    /// Where a pattern matches the words of the name.
    pub(super) fn in_words(&self, pattern: &Pattern) -> Option<Place<'a>> {
        self.spaced.find(pattern, &self.in_spaced).map(|(start, end)| self.name.place(start, end))
    }

    /// A hint of the author's, if it is stated.
    pub(super) fn hint(&self, name: &str) -> Option<bool> {
        self.members.annotations?.get(name)?.as_bool()
    }

    /// The name itself says what a call does, or seems to.
    pub(super) fn name_has_verb(&self) -> bool {
        self.verbs.iter().any(|verb| verb.slot == Slot::Name)
    }
}
