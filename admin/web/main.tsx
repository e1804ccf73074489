import { render } from 'preact'
import { App } from './app.tsx'
import './styles/base.css'
import './styles/layout.css'
import './styles/parts.css'
import './styles/lists.css'
import './styles/forms.css'
import './styles/charts.css'
import './styles/picture.css'

const place = document.getElementById('app')
if (place) render(<App />, place)
