//! The modes and the cursor of a screen, as its program has set them.

/// The modes that a program has switched on and that matter to input and display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// The alternate screen is shown (DECSET 1049, 47, 1047).
    pub alternate_screen: bool,
    /// Pasted text is to be bracketed (DECSET 2004).
    pub bracketed_paste: bool,
    /// Cursor keys send application sequences (DECCKM).
    pub application_cursor: bool,
    /// The keypad sends application sequences (DECKPAM).
    pub application_keypad: bool,
    /// Mouse presses are reported (DECSET 9, 1000).
    pub mouse_clicks: bool,
    /// Mouse movement with a button held is reported (DECSET 1002).
    pub mouse_drag: bool,
    /// All mouse movement is reported (DECSET 1003).
    pub mouse_motion: bool,
    /// Mouse reports are in the SGR form (DECSET 1006).
    pub mouse_sgr: bool,
    /// Mouse reports are in the UTF-8 form (DECSET 1005).
    pub mouse_utf8: bool,
    /// The wheel sends cursor keys in the alternate screen (DECSET 1007).
    pub alternate_scroll: bool,
    /// Getting and losing the focus is reported (DECSET 1004).
    pub focus_events: bool,
    /// The program is in the middle of drawing a frame (DECSET 2026).
    pub synchronized_output: bool,
    /// The flags of the kitty keyboard protocol.
    pub keyboard: u8,
    /// The level of xterm's modifyOtherKeys.
    pub modify_other_keys: u8,
}

/// The form of the cursor. Source: DECSCUSR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CursorShape {
    /// The terminal's own: no program asked for another one.
    #[default]
    Own,
    /// A block.
    Block,
    /// A line below the character.
    Underline,
    /// A line before the character.
    Bar,
}

/// The terminal's cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Row on the screen, from 0.
    pub row: u16,
    /// Column, from 0.
    pub col: u16,
    /// Whether it is shown (DECTCEM).
    pub visible: bool,
    /// Its form.
    pub shape: CursorShape,
    /// Whether it blinks.
    pub blinking: bool,
    /// Its colour, if the program has set one (OSC 12): red, green, blue.
    pub color: Option<(u8, u8, u8)>,
}
