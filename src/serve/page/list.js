/* The list of models. */
import {askJson, element, find, say} from './common.js';

const named = list => list.map(v => v.name).join(', ');

function card(model) {
  const given = model.variables.filter(v => !v.predicted), said = model.variables.filter(v => v.predicted);
  const about = given.length ? `from ${named(given)}: ${named(said)}` : model.completes ? `goes on with ${named(said)}` : `makes ${named(said)}`;
  return element('li', {}, element('a', {href: '/m/' + encodeURIComponent(model.id)}, model.id),
                 element('div', {className: 'quiet'}, `${about}; ${model.weights.toLocaleString()} weights`));
}

try {
  const models = await askJson('/v1/models');
  find('models').append(...models.data.map(card));
  say('');
} catch (error) {
  say(error.message, true);
}
document.body.dataset.done = 'yes';
