"""How the panes about one target share the screen, wide or narrow."""

from __future__ import annotations

STYLE = """
Detail {
    height: 1fr;
    layout: vertical;
    #panes, #takes-turns {
        background: $surface;
    }
    #takes-turns {
        dock: top;
        display: none;
    }
    #pictures {
        height: 1fr;
        width: 100%;
    }
    LightCurveView {
        height: 1fr;
        width: 100%;
    }
    .texts {
        height: 1fr;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        scrollbar-color: $surface-lighten-3;
        scrollbar-background: $background;
    }
    .texts Static {
        height: auto;
    }
}
.-narrow Detail #pictures, .-narrow Detail LightCurveView, .-narrow Detail CutoutsView,
.-narrow Detail .texts, .-narrow Detail .texts Static, .-narrow Detail AirmassPlot {
    display: none;
}
.-narrow Detail.-light-curve #pictures, .-narrow Detail.-light-curve LightCurveView,
.-narrow Detail.-cutouts #pictures, .-narrow Detail.-cutouts CutoutsView,
.-narrow Detail.-why #reasons, .-narrow Detail.-why #why,
.-narrow Detail.-visibility #circumstances, .-narrow Detail.-visibility #visibility,
.-narrow Detail.-visibility #surroundings,
.-narrow Detail.-history #circumstances, .-narrow Detail.-history #history,
.-narrow Detail.-assistant #reasons, .-narrow Detail.-assistant #assistant,
.-narrow Detail.-classes #reasons, .-narrow Detail.-classes #classes {
    display: block;
}
.-wide Detail {
    layout: horizontal;
    CutoutsView, &.-cutouts LightCurveView, #panes, #assistant, #classes, &.-assistant #why, &.-classes #why {
        display: none;
    }
    #takes-turns, &.-cutouts CutoutsView, &.-assistant #assistant, &.-classes #classes {
        display: block;
    }
    #pictures {
        width: 1fr;
    }
    &.-whole-screen {
        #takes-turns {
            display: none;
        }
        LightCurveView, CutoutsView, #why, #classes, #assistant {
            display: block;
        }
        #pictures {
            width: 1.5fr;
        }
    }
    .texts {
        width: 1fr;
        border-left: solid $surface-lighten-2;
    }
}
"""
